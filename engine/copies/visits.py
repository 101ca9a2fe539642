"""Has a process of ours do one thing inside a container, and tell how it went.

It is a copy of this process: nothing of the container is loaded, no file is resolved outside of its root, and what it
is to do was decided before. It has the rights of the container's root, no more.
"""

import os
import select
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, NoReturn

import msgspec

from engine import boundary, privileges, syscalls
from engine.copies.pipes import BrokenOffError
from engine.errors import CopyError, EngineError, SyscallError
from engine.processes import kill_and_reap
from engine.syscalls import Clone

_MOST_TOLD: Final = 20
_LONGEST_REPORT: Final = 1 << 20
_PATIENCE_MS: Final = 2000
_JOINED = Clone.NEWUSER | Clone.NEWNS


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How it went: a message (empty: well) with a hint, or what was done.

    `left_out` are the first of `left_out_count`. `broken_off` says that the other half of the copy failed first.
    """

    message: str = ""
    hint: str = ""
    entries: int = 0
    size_bytes: int = 0
    left_out: tuple[str, ...] = ()
    left_out_count: int = 0
    broken_off: bool = False


class Visit(NamedTuple):
    """A process under way; the descriptors are its owner's."""

    pidfd: int
    report_fd: int


Job = Callable[[], Report]


def done(entries: int = 0, size_bytes: int = 0, left_out: Sequence[str] = ()) -> Report:
    """The report of what went well."""
    told = tuple(_plain(text) for text in left_out[:_MOST_TOLD])
    return Report(entries=entries, size_bytes=size_bytes, left_out=told, left_out_count=len(left_out))


def visit_running(container: int, job: Job, kept_fds: Iterable[int], *, own_users: bool, name: str) -> Visit:
    """Begins a job in the container whose first process a pidfd leads to; `kept_fds` are what the job needs.

    The caller has one thread only.
    """

    def enter() -> None:
        try:
            syscalls.setns(container, _JOINED if own_users else Clone.NEWNS)
        except SyscallError as error:
            raise CopyError(f"{name} has just ended", hint="windlass ps -a tells why") from error
        privileges.become_root()

    return begin(Clone(0), enter, job, (*kept_fds, container))


def begin(flags: Clone, enter: Callable[[], None], job: Job, kept_fds: Iterable[int]) -> Visit:
    """Makes the process, in new namespaces as `flags` say; it enters where it belongs and does its job."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        pid, pidfd = syscalls.clone3(flags)
        if pid == 0:
            _be(enter, job, kept_fds, writing)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return Visit(pidfd, reading)


def finish(visit: Visit) -> Report:
    """Waits for the end and returns the report."""
    told = b""
    while chunk := os.read(visit.report_fd, 1 << 16):
        told += chunk
        if len(told) > _LONGEST_REPORT:
            break
    with suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, visit.pidfd, os.WEXITED)
    try:
        return msgspec.json.decode(told, type=Report)
    except msgspec.MsgspecError:
        return Report(message="the process that copied inside the container was killed")


def abandon(visit: Visit) -> None:
    """Ends a visit whose pipes are closed: it has a moment to clear away what it was writing."""
    select.select([visit.pidfd], [], [], _PATIENCE_MS / 1000)
    kill_and_reap(visit.pidfd)


def close(visit: Visit) -> None:
    """Closes the descriptors of a visit that is over."""
    os.close(visit.pidfd)
    os.close(visit.report_fd)


def _be(enter: Callable[[], None], job: Job, kept_fds: Iterable[int], report_fd: int) -> NoReturn:
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who waits; it closes our pipe
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        boundary.seal((*kept_fds, report_fd))
        os.umask(0)
        enter()
        report = job()
    except BrokenOffError as error:
        report = Report(message=error.message, broken_off=True)
    except EngineError as error:
        report = Report(message=_plain(error.message), hint=_plain(error.hint))
    except BaseException as error:  # noqa: BLE001 -- there is nobody above to see it
        report = Report(message=_plain(f"copying inside the container failed: {error!r}"))
    try:
        os.write(report_fd, msgspec.json.encode(report))
    finally:
        os._exit(0)


def _plain(text: str) -> str:
    """Text that can be encoded: names of files may be any bytes."""
    return text.encode("utf-8", "backslashreplace").decode()
