"""Directories for unfinished work that vanish with their maker, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.images.durable import locked

_LOCK_NAME = ".lock"


@contextmanager
def workspace(aside: Path) -> Iterator[Path]:
    """A new directory in `aside`, which must exist: removed with the block, or by the next one after a crash."""
    with locked(aside / _LOCK_NAME):
        _sweep(aside)
        path = aside / os.urandom(8).hex()
        path.mkdir(mode=0o700)
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield path
    finally:
        remove_tree(path)
        os.close(lock)


def remove_tree(path: Path) -> None:
    """Removes a directory and what is in it, without following links; it may be missing."""
    import shutil  # noqa: PLC0415 -- looking an image up must not pay for it

    with suppress(FileNotFoundError):
        shutil.rmtree(path)


def _sweep(aside: Path) -> None:
    """Removes the directories that nobody holds a lock on: their maker died."""
    for path in aside.iterdir():
        if path.name == _LOCK_NAME:
            continue
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            remove_tree(path)
        finally:
            os.close(handle)
