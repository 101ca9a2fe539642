"""Removes a directory tree in slices, so that a large one keeps nobody waiting.

A tree that a container wrote may be as deep as it likes: directories that are not empty are moved up into the top one
instead of being walked into, so that neither paths nor descriptors grow with the depth.
"""

import os
import stat
from collections import deque
from collections.abc import Iterator
from itertools import count
from pathlib import Path

_SLICE = 500


def remove_in_slices(top: Path) -> Iterator[None]:
    """Removes `top` with everything in it, pausing (yielding) every 500 entries. Nothing happens when it is missing.

    What it does is safe to repeat after an interruption anywhere. Links are removed, never followed.
    """
    try:
        top_fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        yield from _empty(top_fd)
    finally:
        os.close(top_fd)
    top.rmdir()


def _empty(top_fd: int) -> Iterator[None]:
    removed = 0
    names = os.listdir(top_fd)
    taken = set(names)
    full: deque[str] = deque()
    for name in names:
        if not _remove_entry(name, top_fd):
            full.append(name)
        removed += 1
        if removed % _SLICE == 0:
            yield
    fresh_names = (fresh for number in count() if (fresh := f".removed-{number}") not in taken)
    while full:
        directory = full.popleft()
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top_fd)
        try:
            for name in os.listdir(fd):
                if not _remove_entry(name, fd):
                    full.append(next(fresh_names))
                    os.rename(name, full[-1], src_dir_fd=fd, dst_dir_fd=top_fd)
                removed += 1
                if removed % _SLICE == 0:
                    yield
        finally:
            os.close(fd)
        os.rmdir(directory, dir_fd=top_fd)


def _remove_entry(name: str, directory_fd: int) -> bool:
    """Removes a file or an empty directory; False when it is a directory that holds something."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=directory_fd, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=directory_fd)
        return True
    try:
        os.rmdir(name, dir_fd=directory_fd)
    except OSError:
        return False
    return True
