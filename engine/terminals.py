"""Makes a terminal of its own for a program inside a container; see pty(7)."""

import fcntl
import os
import stat
import struct
import termios
from typing import NamedTuple

from engine import syscalls
from engine.errors import StartError, SyscallError
from engine.syscalls import Resolve

_PTMX_DEVICE = os.makedev(5, 2)
_TIOCGPTPEER = 0x5441  # linux/tty_ioctl.h: opens the other end without a path
_TIOCSPTLCK = 0x40045431
_HELD = 1000  # beyond what shells use, and below what select(2) can watch
_UNLOCK = struct.pack("=i", 0)


class WindowSize(NamedTuple):
    """A terminal's size in characters."""

    rows: int = 24
    columns: int = 80


def open_terminal(root_fd: int, size: WindowSize) -> tuple[int, int]:
    """Returns both ends of a new terminal of the container's own: the master, and the one for the program.

    The caller's own terminal is never handed to a container: whoever holds one can type on it.
    """
    strict = Resolve.IN_ROOT | Resolve.NO_SYMLINKS | Resolve.NO_MAGICLINKS
    master = syscalls.openat2(root_fd, "dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY, strict)
    found = os.fstat(master)
    if not stat.S_ISCHR(found.st_mode) or found.st_rdev != _PTMX_DEVICE:
        os.close(master)
        raise StartError("the container's /dev/pts/ptmx is no terminal multiplexer", stage="terminal")
    fcntl.ioctl(master, _TIOCSPTLCK, _UNLOCK)
    slave = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    resize(master, size)
    return master, slave


def take(slave: int, uid: int) -> None:
    """Makes the terminal the controlling one of this process, which leads a session, and its user's own."""
    os.fchown(slave, uid, -1)
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


def hold(master: int) -> int:
    """Leaves the master to the program as well, where `held_by` finds it; returns the descriptor's number.

    Without one, every program on the terminal is told that it is gone as soon as the supervisor dies.
    """
    return fcntl.fcntl(master, fcntl.F_DUPFD, _HELD)


def held_by(pidfd: int) -> int | None:
    """Returns a descriptor of the master that a container's first process holds; None when it has closed it."""
    try:
        master = syscalls.pidfd_getfd(pidfd, _HELD)
    except SyscallError:
        return None
    found = os.fstat(master)
    if stat.S_ISCHR(found.st_mode) and found.st_rdev == _PTMX_DEVICE:
        return master
    os.close(master)
    return None


def resize(fd: int, size: WindowSize) -> None:
    """Tells the terminal its size, and the programs on it that it has changed."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("=4H", size.rows, size.columns, 0, 0))
