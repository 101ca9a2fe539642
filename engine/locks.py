"""The lock that lets one command at a time change a stack, naming its holder to everybody else."""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.directories import make_private
from engine.errors import StateError
from engine.layout import StackLayout


@contextlib.contextmanager
def command_lock(
    stack: StackLayout,
    holder: str,
    *,
    wait: bool = True,
    timeout_seconds: float | None = None,
    on_wait: Callable[[str], None] = lambda _description: None,
) -> Iterator[None]:
    """Holds the stack's command lock for a block. `holder` says who does what, as in "windlass up".

    When somebody else holds it, `on_wait` is told who ("PID 123: windlass up since 12s"), and the block waits; with
    `wait` False, and after `timeout_seconds` (waited for by an alarm: the caller uses none), StateError is raised.
    The lock dies with its process. A directory that holds nothing but locks afterwards is removed.
    """
    fd = _lock(stack, 0.0 if not wait else timeout_seconds, on_wait)
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()} {time.time():.0f} {holder}\n".encode(), 0)
        yield
    finally:
        os.ftruncate(fd, 0)
        if _is_at(stack.command_lock, fd):  # else the directory went meanwhile, and another one's lock may be there
            _remove_if_alone(stack)
        os.close(fd)


def lock_file(path: Path, *, blocking: bool) -> int | None:
    """Takes an exclusive lock on a file, made if missing; the descriptor holds it. None when it is held by another.

    A lock file may be removed by its holder: the lock counts only while the file is the one at the path.
    """
    while True:
        make_private(path.parent)
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | (0 if blocking else fcntl.LOCK_NB))
            if os.fstat(fd).st_ino == path.stat().st_ino:
                return fd
        except BlockingIOError:
            os.close(fd)
            return None
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


class Hold:
    """A lock that was taken on a file, by its descriptor, and lasts as long as the file's directory does."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)

    def lasts(self) -> bool:
        """Whether the lock counts still; when somebody has removed its file alone, it is taken again if it can be."""
        try:
            if os.fstat(self._fd).st_ino == self._path.stat().st_ino:
                return True
        except FileNotFoundError:
            pass
        try:
            # A removed directory has no name left, whatever stands in its place.
            taken = lock_file(self._path, blocking=False) if os.fstat(self._directory).st_nlink else None
        except OSError:
            return False
        if taken is None:
            return False
        os.close(self._fd)
        self._fd = taken
        return True


def _lock(stack: StackLayout, timeout_seconds: float | None, on_wait: Callable[[str], None]) -> int:
    fd = lock_file(stack.command_lock, blocking=False)
    if fd is not None:
        return fd
    description = _describe_holder(stack.command_lock)
    if timeout_seconds == 0:
        message = f"stack {stack.name} is held by {description}"
        raise StateError(message, hint="try again once it is done")
    on_wait(description)
    try:
        with _alarm(timeout_seconds):
            fd = lock_file(stack.command_lock, blocking=True)
    except _TooLateError:
        description = _describe_holder(stack.command_lock)
        message = f"stack {stack.name} is still held by {description}, after {timeout_seconds:g}s of waiting"
        raise StateError(message, hint="try again once it is done, or wait longer: --lock-timeout") from None
    if fd is None:
        raise AssertionError("a blocking lock is taken or raises")
    return fd


class _TooLateError(Exception):
    """The time for waiting is over."""


@contextlib.contextmanager
def _alarm(seconds: float | None) -> Iterator[None]:
    """Breaks the block off, wherever it waits, once the time is over."""
    if seconds is None:
        yield
        return

    def ring(_number: int, _frame: object) -> None:
        raise _TooLateError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _describe_holder(path: Path) -> str:
    """Who holds the lock, as in "PID 123: windlass up since 12s"."""
    try:
        pid, since, holder = path.read_text().strip().split(" ", 2)
        return f"PID {pid}: {holder} since {max(0, round(time.time() - float(since)))}s"
    except (OSError, ValueError):
        return "another command"


def _is_at(path: Path, fd: int) -> bool:
    try:
        return os.fstat(fd).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _remove_if_alone(stack: StackLayout) -> None:
    """Removes the stack's directory when it holds nothing but lock files, so that a look leaves nothing behind."""
    locks = {stack.command_lock.name, stack.spawn_lock.name}
    with contextlib.suppress(OSError):
        if {path.name for path in stack.directory.iterdir()} <= locks:
            for name in locks:
                (stack.directory / name).unlink(missing_ok=True)
            stack.directory.rmdir()
