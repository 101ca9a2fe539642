"""Tells one process from another, beyond the reuse of pids."""

import os
import select
from pathlib import Path
from signal import SIGKILL, pidfd_send_signal

from engine.errors import StartError, StateError
from engine.state import ProcessIdentity

_PROC = Path("/proc")
_OOM_SCORE = 100


def boot_id() -> str:
    """What this boot of the machine is called; see random(4)."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> ProcessIdentity:
    """Returns the identity of a process that exists (a child that was not waited for counts); else StateError."""
    ticks = start_ticks(pid)
    if ticks is None:
        raise StateError(f"there is no process {pid}")
    return ProcessIdentity(pid=pid, start_ticks=ticks, boot_id=boot_id())


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since the boot, or None when there is no such process."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal or a tracer; see proc_pid_stat(5)."""
    return _stat(pid)[:1] in ([b"T"], [b"t"])


def _stat(pid: int) -> list[bytes]:
    """The fields of a process's state from the third on; none when there is no such process."""
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return []
    # The second field, the command's name in parentheses, may hold spaces and parentheses.
    return stat[stat.rindex(b")") + 2 :].split()


def open_process(identity: ProcessIdentity) -> int | None:
    """Returns a pidfd of exactly this process, or None when it is gone (or its pid is somebody else's by now)."""
    if identity.boot_id != boot_id():
        return None
    try:
        pidfd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None
    if start_ticks(identity.pid) != identity.start_ticks:
        os.close(pidfd)
        return None
    return pidfd


def has_ended(pidfd: int) -> bool:
    """Whether a process has ended, waited for or not."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def heeds_signal(pid: int, number: int) -> bool:
    """Whether a signal does anything to a process: the first of a pid namespace ignores what it has no handler for.

    True when the process is gone. See pid_namespaces(7) and the masks in proc_pid_status(5).
    """
    try:
        status = (_PROC / str(pid) / "status").read_text()
        waits_for_signals = "sigtimedwait" in (_PROC / str(pid) / "wchan").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    is_first = fields.get("NSpid", "").split()[1:][-1:] == ["1"]
    masks = {name: int(fields.get(name, "0").strip(), 16) for name in ("SigCgt", "SigBlk", "SigIgn")}
    has = {name: bool(mask >> (number - 1) & 1) for name, mask in masks.items()}
    # Small inits block signals and take them by sigwaitinfo(2), whose signals do not count as blocked meanwhile.
    return waits_for_signals or has["SigCgt"] or has["SigBlk"] or not (is_first or has["SigIgn"])


def expect_to_be_killed(pid: int, score: int | None = None) -> None:
    """Lets the kernel, short of memory, take this process before the host's own; see proc_pid_oom_score_adj(5).

    `score` is of -1000 (never) to 1000 (first).
    """
    fd = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(_OOM_SCORE if score is None else score).encode())
    except PermissionError as error:
        raise StartError(
            f"cannot set the oom score adjustment to {score}",
            stage="limits",
            errno=error.errno or 0,
            hint="less than the supervisor's own takes CAP_SYS_RESOURCE, which this root has not",
        ) from error
    finally:
        os.close(fd)


def kill_and_reap(pidfd: int) -> None:
    """Ends a child of ours for good and takes its exit record; nothing happens when it is gone."""
    try:
        pidfd_send_signal(pidfd, SIGKILL)
    except ProcessLookupError:
        return
    try:
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    except ChildProcessError:
        return
