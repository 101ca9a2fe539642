"""Mounts on a volume's data what the options of the local driver name: a host's directory, memory, a server's share.

Such a mount lies in the host's own mount table, below the volume, so that all containers see the same; it is private,
and whoever removes the volume takes it away first.
"""

import os
import socket
from collections.abc import Mapping
from typing import NamedTuple

from engine import syscalls
from engine.errors import SyscallError, VolumeError
from engine.syscalls import MNT_DETACH, MountFlag
from engine.volumes import Volume, is_mounted

OPTIONS = frozenset(("type", "o", "device"))
_BIND, _REC, _REMOUNT, _RDONLY = 0x1000, 0x4000, 0x20, 0x1
_FLAGS = {
    "ro": _RDONLY,
    "nosuid": 0x2,
    "nodev": 0x4,
    "noexec": 0x8,
    "sync": 0x10,
    "noatime": 0x400,
    "nodiratime": 0x800,
    "bind": _BIND,
    "rbind": _BIND | _REC,
    "relatime": 0x200000,
    "strictatime": 0x1000000,
}
_ALWAYS = 0x2 | 0x4  # nosuid, nodev: what a volume holds has no rights on the host
_IDLE = frozenset(("", "defaults", "rw", "suid", "dev", "exec", "async", "atime", "nofail", "auto", "_netdev"))


class MountCall(NamedTuple):
    """The arguments of mount(2)."""

    source: str
    kind: str
    flags: int
    data: str


def mount_call(options: Mapping[str, str]) -> MountCall | None:
    """What a volume's options ask to be mounted, None when they name nothing; raises ValueError."""
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise ValueError(f"has the unknown option '{unknown[0]}'")
    kind, source = options.get("type", ""), options.get("device", "")
    words = options.get("o", "").split(",")
    flags = _ALWAYS
    for word in words:
        flags |= _FLAGS.get(word, 0)
    if not (kind or source):
        return None
    if flags & _BIND:
        kind = "none"
        if not source.startswith("/"):
            raise ValueError(f"has the device '{source}', which is no absolute path")
    elif kind in ("", "none"):
        raise ValueError("has no type: say `type: none` with `o: bind`, tmpfs, nfs or another file system")
    data = ",".join(word for word in words if word not in _FLAGS and word not in _IDLE)
    return MountCall(source or kind, kind, flags, data)


def attach(volume: Volume) -> None:
    """Mounts what the volume's options name, unless it is there already. VolumeError says why it cannot be."""
    options, data = volume.record.options, volume.data
    if not options or is_mounted(data):
        return
    name = volume.record.name
    try:
        wanted = mount_call(options)
    except ValueError as error:
        raise VolumeError(f"volume {name} {error}", hint="its options are type, device and o") from error
    if wanted is None:
        return
    try:
        syscalls.mount(
            wanted.source, data, wanted.kind, MountFlag(wanted.flags), _with_address(wanted.data, wanted.kind)
        )
        syscalls.mount("", data, "", MountFlag.PRIVATE)
        if wanted.flags & _BIND:  # a bind mount takes its other flags in a second step
            syscalls.mount("", data, "", MountFlag((wanted.flags & ~_REC) | _REMOUNT))
    except (SyscallError, OSError) as error:
        detach(volume)
        reason = os.strerror(error.errno or 0) if error.errno else str(error)
        raise VolumeError(
            f"cannot mount {wanted.source} ({wanted.kind}) as the volume {name}: {reason}",
            hint="check its driver_opts: type, device and o; a directory to bind must exist",
        ) from error


def detach(volume: Volume) -> None:
    """Takes away what is mounted; containers that run keep it until they end."""
    while is_mounted(volume.data):
        syscalls.umount2(volume.data, MNT_DETACH)


def _with_address(data: str, kind: str) -> str:
    """The data with addresses for names: the kernel asks no resolver (nfs(5), addr)."""
    if not kind.startswith(("nfs", "cifs")) or "addr=" not in data:
        return data
    words = []
    for word in data.split(","):
        key, _, host = word.partition("=")
        known = key == "addr" and host
        words.append(f"addr={socket.getaddrinfo(host, None)[0][4][0]}" if known else word)
    return ",".join(words)
