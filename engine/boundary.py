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
from engine.syscalls import CLOSE_RANGE_CLOEXEC, Prctl

_LAST_DESCRIPTOR = 0xFFFFFFFF
_OOM_SCORE = b"100"


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
    sys.meta_path.clear()
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    sys.path.clear()


def expect_to_be_killed() -> None:
    """Lets the kernel, short of memory, take a container before the host's own processes.

    Works only while this process still counts as the host's: once it has another id it may not write there.
    """
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    try:
        os.write(fd, _OOM_SCORE)
    finally:
        os.close(fd)


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


def close_on_exec() -> None:
    """Leaves nothing but 0, 1 and 2 to the program."""
    syscalls.close_range(3, _LAST_DESCRIPTOR, CLOSE_RANGE_CLOEXEC)
