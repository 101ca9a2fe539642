"""Makes a container's /dev, with the nodes that every program may use and those that are given to it."""

import contextlib
import os
import stat
from collections.abc import Sequence

from engine.detached import new_tmpfs
from engine.mounts import DeviceNode

_NODES = (
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
)
_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
)
_DIRECTORIES = ("pts", "shm", "mqueue")


def devices(first_id: int, more: Sequence[DeviceNode] = ()) -> int:
    """Returns a new /dev with the six nodes that every program may use, owned by the container's root, and `more`.

    Those belong to the container's ids of the same numbers as on the host, so that groups of both mean the same.
    """
    mount_fd = new_tmpfs((("mode", "755"), ("size", "64k"), ("uid", str(first_id)), ("gid", str(first_id))))
    previous = os.umask(0)
    try:
        for name, major, minor in _NODES:
            os.mknod(name, stat.S_IFCHR | 0o666, os.makedev(major, minor), dir_fd=mount_fd)
            os.chown(name, first_id, first_id, dir_fd=mount_fd)
        for name, target in _LINKS:
            os.symlink(target, name, dir_fd=mount_fd)
        for name in _DIRECTORIES:
            os.mkdir(name, 0o755, dir_fd=mount_fd)
        for node in more:
            _make_node(node, mount_fd, first_id)
    except BaseException:
        os.close(mount_fd)
        raise
    finally:
        os.umask(previous)
    return mount_fd


def _make_node(node: DeviceNode, mount_fd: int, first_id: int) -> None:
    *directories, _name = node.name.split("/")
    for depth in range(len(directories)):
        with contextlib.suppress(FileExistsError):
            os.mkdir("/".join(directories[: depth + 1]), 0o755, dir_fd=mount_fd)
    with contextlib.suppress(FileNotFoundError):  # one of the usual nodes may be chosen, too
        os.unlink(node.name, dir_fd=mount_fd)
    os.mknod(node.name, node.mode, node.device, dir_fd=mount_fd)
    os.chown(node.name, first_id + node.uid, first_id + node.gid, dir_fd=mount_fd)
