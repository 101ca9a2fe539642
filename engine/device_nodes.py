"""Finds the host's devices that a container gets, and decides what it may do with them."""

import os
import stat
from collections.abc import Iterator, Sequence

from engine.errors import StartError
from engine.mounts import DeviceNode, device_name, wanted_devices
from engine.spec import Confinement, ContainerSpec, Device

_LARGEST_ID = 65535
# File systems of their own below /dev, and what every container has.
_NOT_DEVICES = frozenset({"pts", "shm", "mqueue", "hugepages", "fd", "ptmx", "tty", "console"})


def nodes(spec: ContainerSpec) -> tuple[DeviceNode, ...]:
    """The nodes to make in the container's /dev; StartError for a device that the host does not have."""
    found: dict[str, DeviceNode] = {}
    if spec.confinement.privileged:
        found = {node.name: node for node in _all_of("/dev", "")}
    for index, device in enumerate(wanted_devices(spec)):
        for node in _wanted(index, device):
            found[node.name] = node
    return tuple(found.values())


def rules(confinement: Confinement) -> tuple[str, ...] | None:
    """The devices that may be used besides the usual ones; None when there is nothing to bound.

    A container can make no node itself, so bounds are needed only where one says less than everything, or where whole
    directories of the host's nodes are mounted, for which rules are written.
    """
    bounded = any(set(device.permissions) != set("rwm") for device in confinement.devices)
    if confinement.privileged or not (bounded or confinement.device_rules):
        return None
    own: list[str] = []
    for index, device in enumerate(confinement.devices):
        for node in _wanted(index, device):
            kind = "b" if stat.S_ISBLK(node.mode) else "c"
            own.append(f"{kind} {os.major(node.device)}:{os.minor(node.device)} {device.permissions}")
    return (*own, *confinement.device_rules)


def _wanted(index: int, device: Device) -> Sequence[DeviceNode]:
    name = device_name(index, device)
    try:
        found = os.stat(device.source)  # noqa: PTH116 - a path of the user's own
    except OSError as error:
        raise StartError(
            f"cannot give the container {device.source}: {error.strerror}",
            stage="devices",
            errno=error.errno or 0,
            hint="check that the host has the device, and that its driver is loaded",
        ) from error
    if stat.S_ISDIR(found.st_mode):
        return tuple(_all_of(device.source, f"{name}/" if name else ""))
    if not (stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode)):
        raise StartError(
            f"cannot give the container {device.source}: it is no device",
            stage="devices",
            hint="files and directories of the host are mounted with `volumes`",
        )
    return (_node(name, found),)


def _all_of(directory: str, prefix: str) -> Iterator[DeviceNode]:
    """The devices of a directory and those below it, without other file systems."""
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if directory == "/dev" and entry.name in _NOT_DEVICES:
                continue
            found = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                yield from _all_of(entry.path, f"{prefix}{entry.name}/")
            elif stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
                yield _node(f"{prefix}{entry.name}", found)


def _node(name: str, found: os.stat_result) -> DeviceNode:
    uid, gid = (each if each <= _LARGEST_ID else 0 for each in (found.st_uid, found.st_gid))
    return DeviceNode(name, found.st_mode, found.st_rdev, uid, gid)
