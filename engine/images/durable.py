"""Writing to disk such that a crash leaves the old or the new, never a part."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import SyscallError
from engine.syscalls import syncfs


def write_file(path: Path, content: bytes) -> None:
    """Replaces a file; its directory must exist."""
    unfinished = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except BaseException:
        with suppress(FileNotFoundError):
            unfinished.unlink()
        raise
    write_directory_through(path.parent)


def remove_unfinished(directory: Path) -> None:
    """Removes what a crash has left of `write_file`; nobody may be writing there."""
    with suppress(FileNotFoundError):
        for path in directory.iterdir():
            if path.name.startswith("."):
                path.unlink(missing_ok=True)


def write_directory_through(directory: Path) -> None:
    """Returns when the names in a directory are on the disk."""
    with _opened(directory) as handle:
        os.fsync(handle)


@contextmanager
def tree_written_through(directory: Path) -> Iterator[None]:
    """Writes everything below a directory to the disk while the block reads it; it is there when the block ends.

    One call for the whole file system: thousands of small files would take thousands of calls.
    """
    from threading import Thread  # noqa: PLC0415 -- looking an image up must not pay for it

    failures: list[SyscallError] = []

    def write(handle: int) -> None:
        try:
            syncfs(handle)
        except SyscallError as error:
            failures.append(error)

    with _opened(directory) as handle:
        writer = Thread(target=write, args=(handle,))
        writer.start()
        try:
            yield
        finally:
            writer.join()
    if failures:
        raise failures[0]


@contextmanager
def locked(path: Path, *, shared: bool = False, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Runs the block with a lock on a file, made if missing; `on_wait` is called before waiting for another holder."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is not None:
                on_wait()
            fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)
