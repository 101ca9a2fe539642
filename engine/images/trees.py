"""Visits the files of a tree without following links."""

import os
import stat
from collections.abc import Callable


def walk_tree(directory: int, visit: Callable[[int, str, os.stat_result], None]) -> None:
    """Calls `visit` with directory, name and status for everything below, what a directory holds before itself."""
    for name in os.listdir(directory):
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            try:
                walk_tree(child, visit)
            finally:
                os.close(child)
        visit(directory, name, status)
