"""Keeps namespaces and exit records alive in files, with nobody holding them."""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine import syscalls
from engine.directories import make_private
from engine.errors import SyscallError
from engine.syscalls import AT_EMPTY_PATH, AT_FDCWD, MNT_DETACH, Clone, MountFlag

_PIDFD_GET_INFO = 0xC040FF0B  # linux/pidfd.h: _IOWR(0xFF, 11, struct pidfd_info), its first version of 64 bytes
_PIDFD_INFO_EXIT = 1 << 3
_INFO = struct.Struct("=QQ11Ii")


@contextmanager
def inside(netns_fd: int) -> Iterator[None]:
    """Runs a block inside the network namespace behind `netns_fd`; sockets opened there stay there."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        syscalls.setns(netns_fd, Clone.NEWNET)
        try:
            yield
        finally:
            syscalls.setns(own, Clone.NEWNET)
    finally:
        os.close(own)


def ensure_pins(directory: Path) -> None:
    """Makes `directory` a small file system in memory whose mounts reach no other mount namespace."""
    make_private(directory)
    if os.path.ismount(directory):
        return
    fs_fd = syscalls.fsopen("tmpfs")
    try:
        for key, value in (("mode", "700"), ("size", "1m")):
            syscalls.fsconfig_set(fs_fd, key, value)
        syscalls.fsconfig_create(fs_fd)
        mount_fd = syscalls.fsmount(fs_fd, syscalls.Attribute.NOSUID | syscalls.Attribute.NOEXEC)
    finally:
        os.close(fs_fd)
    try:
        # A mount made below a shared one is shared, too: bind mounts in here must stay alone.
        syscalls.move_mount(mount_fd, AT_FDCWD, directory)
        syscalls.mount("", directory, "", MountFlag.PRIVATE)
    finally:
        os.close(mount_fd)


def remove_pins(directory: Path) -> None:
    """Lets go of everything that is pinned under `directory` and removes it; nothing happens when it is gone."""
    if not directory.exists():
        return
    while os.path.ismount(directory):
        syscalls.umount2(directory, MNT_DETACH)
    directory.rmdir()


def pin_network_namespace(path: Path) -> int:
    """Makes a network namespace that lives as long as the file `path` is mounted on; returns a descriptor of it."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        syscalls.unshare(Clone.NEWNET)
        try:
            made = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            syscalls.setns(own, Clone.NEWNET)
    finally:
        os.close(own)
    try:
        _pin(made, path)
    except BaseException:
        os.close(made)
        raise
    return made


def pin_namespace(namespace_fd: int, path: Path) -> None:
    """Keeps a namespace that is still there alive through `path`, too."""
    _pin(namespace_fd, path)


def pin_process(pidfd: int, path: Path) -> None:
    """Keeps a process's exit record readable through `path`, whoever reaps it and whoever dies."""
    _pin(pidfd, path)


def unpin(path: Path) -> None:
    """Lets go of what is pinned at `path`; nothing happens when there is nothing."""
    try:
        syscalls.umount2(path, MNT_DETACH)
    except SyscallError:
        if not path.exists():
            return
    path.unlink(missing_ok=True)


def exit_status_of_pin(path: Path) -> int | None:
    """Returns the wait status of the process pinned at `path`; None while it runs, or when the kernel does not tell.

    The exit record is there once the process was reaped, on Linux 6.15 and later.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return exit_status(fd)
    finally:
        os.close(fd)


def exit_status(pidfd: int) -> int | None:
    """Returns the wait status of a process that ended and was reaped, if the kernel keeps it."""
    asked = bytearray(_INFO.pack(_PIDFD_INFO_EXIT, 0, *(0,) * 11, 0))
    try:
        fcntl.ioctl(pidfd, _PIDFD_GET_INFO, asked)
    except OSError:
        return None
    fields = _INFO.unpack(asked)
    return fields[-1] if fields[0] & _PIDFD_INFO_EXIT else None


def _pin(fd: int, path: Path) -> None:
    path.touch(mode=0o600)
    try:
        tree = syscalls.open_tree(fd, "", AT_EMPTY_PATH)
        try:
            syscalls.move_mount(tree, AT_FDCWD, path)
        finally:
            os.close(tree)
    except BaseException:
        path.unlink()
        raise
