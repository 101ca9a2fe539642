"""Makes all processes of a control group stand still, lets them go on, and tells which; see cgroups(7) and
Documentation/admin-guide/cgroup-v2.rst, `cgroup.freeze`.

Only the v2 hierarchy is used: it needs no controller, and a process that is frozen there can still be killed.
"""

import os

from engine.cgroups import Cgroup
from engine.errors import EngineError


def freeze(cgroup: Cgroup) -> None:
    """Asks the kernel to freeze; it does so soon, see `is_frozen`."""
    _write(cgroup, b"1")


def thaw(cgroup: Cgroup) -> None:
    """Lets its processes go on; harmless when they do, or when there is no such group any more."""
    try:
        _write(cgroup, b"0")
    except FileNotFoundError:
        return


def open_events(cgroup: Cgroup) -> int:
    """A descriptor of the group's events, which is exceptionally ready (EPOLLPRI) when one changes; the caller's."""
    return os.open(f"{_directory(cgroup)}/cgroup.events", os.O_RDONLY | os.O_CLOEXEC)


def is_frozen(events_fd: int) -> bool:
    """Whether every process of the group stands still."""
    return b"frozen 1" in os.pread(events_fd, 4096, 0)


def _directory(cgroup: Cgroup) -> str:
    directory = cgroup.unified
    if directory is None:
        raise EngineError(
            "cannot pause: this host has no cgroup v2 hierarchy",
            hint="mount one: mount -t cgroup2 none /sys/fs/cgroup/unified",
        )
    return directory


def _write(cgroup: Cgroup, value: bytes) -> None:
    fd = os.open(f"{_directory(cgroup)}/cgroup.freeze", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value)
    finally:
        os.close(fd)
