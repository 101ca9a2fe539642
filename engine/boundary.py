"""Makes a copy of this process fit to enter an image: nothing of the host comes along, nothing of the image is loaded.

A Python that imports, or looks up a codec or a user, inside an image runs the image's code.
"""

import fcntl
import gc
import os
import sys
from collections.abc import Iterable

from engine import syscalls
from engine.errors import StartError
from engine.syscalls import Prctl

_LAST_DESCRIPTOR = 0xFFFFFFFF


def seal(kept_fds: Iterable[int]) -> None:
    """Forbids others to look into this process, closes every descriptor but `kept_fds`, switches imports off."""
    syscalls.prctl(Prctl.SET_DUMPABLE, 0)
    gc.disable()  # a collection would touch, and so copy, every page of the process that this one is a copy of
    start = 0
    for fd in sorted(set(kept_fds)):
        if fd > start:
            syscalls.close_range(start, fd - 1)
        start = fd + 1
    syscalls.close_range(start, _LAST_DESCRIPTOR)
    # Without a finder nothing is imported; what the finders have cached is left alone, for freeing it would copy it.
    sys.meta_path.clear()
    sys.path_hooks.clear()
    sys.path.clear()


def change_directory(directory_fd: int) -> None:
    """Makes the directory, which is inside the container's root, the working one; closes the descriptor."""
    os.fchdir(directory_fd)
    os.close(directory_fd)
    # getcwd(2) says "(unreachable)" of what lies outside of the root, and a Path would hide it.
    if not os.getcwd().startswith("/"):  # noqa: PTH109
        raise StartError("the working directory lies outside of the image", stage="working directory")


def connect_streams(stdin: int, stdout: int, stderr: int) -> None:
    """Makes these descriptors 0, 1 and 2, whatever they were before."""
    spare = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (stdin, stdout, stderr)]
    for number, fd in enumerate(spare):
        os.dup2(fd, number)


def close_all_but(*kept_fds: int) -> None:
    """Leaves nothing but 0, 1 and 2 to the program, and these as they are: those that close when it is executed.

    Really closing the others, before the program is looked for, leaves a program's path nothing to go through.
    """
    start = 3
    for fd in sorted(kept_fds):
        if fd > start:
            syscalls.close_range(start, fd - 1)
        start = fd + 1
    syscalls.close_range(start, _LAST_DESCRIPTOR)
