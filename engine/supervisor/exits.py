"""Finds out how a process ended, whether it was our child or not."""

import os
from pathlib import Path

from engine.namespaces import exit_status
from engine.state import ProcessIdentity


def exit_code_of_status(status: int) -> int:
    """A wait status (wait(2)) as a shell tells it: the exit code, or 128 and the signal's number."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def reap(pidfd: int) -> int | None:
    """The exit code of a child of ours that ended, None when it has not (or never was a child)."""
    try:
        result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return None
    if result is None:
        return None
    return result.si_status if result.si_code == os.CLD_EXITED else 128 + result.si_status


def exit_code_of_stranger(pidfd: int, identity: ProcessIdentity) -> int | None:
    """The exit code of a process that ended and was not our child; None when the kernel does not tell.

    While nobody has reaped it, its stat file tells (proc_pid_stat(5)); afterwards its pidfd does, on Linux 6.15.
    """
    status = _status_of_zombie(identity)
    if status is None:
        status = exit_status(pidfd)
    return None if status is None else exit_code_of_status(status)


def _status_of_zombie(identity: ProcessIdentity) -> int | None:
    try:
        stat = Path(f"/proc/{identity.pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    if fields[0] not in {b"Z", b"X"} or int(fields[19]) != identity.start_ticks:
        return None
    return int(fields[49])
