"""Writing to disk such that a crash leaves the old or the new, never a part."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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


def write_directory_through(directory: Path) -> None:
    """Returns when the names in a directory are on the disk."""
    with _opened(directory) as handle:
        os.fsync(handle)


def write_tree_through(directory: Path) -> None:
    """Returns when everything below a directory is on the disk (one call for the whole file system)."""
    with _opened(directory) as handle:
        syncfs(handle)


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
