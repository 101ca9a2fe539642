"""Removes files and whole directories by descriptors, following nothing."""

import os
import stat

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW


def remove(parent: int, name: bytes) -> None:
    """Removes a file, or a directory with all below it; nothing happens when it is gone."""
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        os.unlink(name, dir_fd=parent)
        return
    stack = [(parent, name, -1)]
    try:
        while stack:
            above, here, handle = stack[-1]
            if handle < 0:
                handle = os.open(here, _DIRECTORY, dir_fd=above)
                stack[-1] = (above, here, handle)
            below = _clear_files(handle)
            if below is not None:
                stack.append((handle, below, -1))
                continue
            os.close(handle)
            stack.pop()
            os.rmdir(here, dir_fd=above)
    finally:
        for _, _, handle in stack:
            if handle >= 0:
                os.close(handle)


def _clear_files(handle: int) -> bytes | None:
    """Removes what is no directory; gives the name of a directory that is left."""
    left = None
    with os.scandir(handle) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                left = os.fsencode(entry.name)
            else:
                os.unlink(entry.name, dir_fd=handle)
    return left
