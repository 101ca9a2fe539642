"""Decides what is mounted where inside a container, in which order."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.errors import StartError
from engine.spec import (
    BindMount,
    Confinement,
    ContainerSpec,
    Device,
    FileMount,
    ImageMount,
    Mount,
    TmpfsMount,
    VolumeMount,
)
from engine.syscalls import Attribute, MountFlag

_NOSUID, _NODEV, _NOEXEC, _RDONLY = Attribute.NOSUID, Attribute.NODEV, Attribute.NOEXEC, Attribute.RDONLY
_KERNEL = _NOSUID | _NODEV | _NOEXEC

# Paths of /proc and /sys that tell about the host, or reach it: hidden behind an empty file or directory.
MASKED = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/config.gz",
    "/proc/interrupts",
    "/proc/iomem",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
    "/sys/fs/selinux",
    "/sys/kernel/debug",
    "/sys/kernel/security",
    "/sys/kernel/tracing",
)
# A container's root may write its own network's settings below /proc/sys, so being nobody outside is not enough.
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

SHM_BYTES = 64 << 20
PTY_LIMIT = 1024


class NewFilesystem(NamedTuple):
    """A file system that is made inside the container's own namespaces."""

    kind: str
    target: str
    attributes: Attribute
    options: tuple[tuple[str, str], ...] = ()
    may_fail: bool = False


class Devices(NamedTuple):
    """The directory of device nodes, made from outside: inside, nobody may make a device node."""

    target: str = "/dev"


class DeviceNode(NamedTuple):
    """A device of the host's by its name below /dev ("net/tun"): its type and mode, numbers and the host's owner."""

    name: str
    mode: int
    device: int
    uid: int
    gid: int


class DeviceCopy(NamedTuple):
    """A node of the container's own /dev (`source`, absolute), shown elsewhere as well."""

    source: str
    target: str


class OwnFile(NamedTuple):
    """A file of the engine's, made anew for each container, in place of the image's."""

    name: str
    target: str


class SharedSys(NamedTuple):
    """/sys of a network that is not the container's own, made from outside: inside, nobody may."""

    attributes: Attribute
    target: str = "/sys"


class SharedProc(NamedTuple):
    """/proc of the host's processes, made from outside."""

    attributes: Attribute
    target: str = "/proc"


class SharedMemory(NamedTuple):
    """The shared memory of the container whose IPC namespace is shared."""

    target: str = "/dev/shm"  # noqa: S108 - inside the container


class HostProgram(NamedTuple):
    """A program of the host's, to be run inside."""

    source: str
    target: str


class HostPath(NamedTuple):
    """A file or directory of the host's.

    `attributes` are of all mounts in it, `top_attributes` of itself alone. `propagation` 0 keeps the source's own.
    """

    source: str
    target: str
    attributes: Attribute
    create_source: bool = False
    top_attributes: Attribute = Attribute(0)
    propagation: MountFlag = MountFlag.PRIVATE
    recursive: bool = True


class VolumeData(NamedTuple):
    """A named volume, or what it has at `subpath`; filled with what the image has at `target` when new, if `fill`."""

    volume: str
    target: str
    attributes: Attribute
    fill: bool
    subpath: str = ""


class ImageTree(NamedTuple):
    """The files of another image, or what it has at `subpath`; `layers` are base first."""

    layers: tuple[str, ...]
    target: str
    attributes: Attribute
    subpath: str = ""


class GivenFile(NamedTuple):
    """A config or secret: the file `name` of those that were written for the container; see `given_files`."""

    name: str
    target: str
    attributes: Attribute = _NOSUID | _NODEV | _RDONLY


MountOp = (
    NewFilesystem
    | Devices
    | DeviceCopy
    | SharedSys
    | SharedProc
    | SharedMemory
    | OwnFile
    | HostProgram
    | HostPath
    | VolumeData
    | ImageTree
    | GivenFile
)


def mount_plan(spec: ContainerSpec, *, init_program: str = "") -> tuple[MountOp, ...]:
    """What to mount on the container's root, in this order; `init_program` is the host's path of a small init."""
    confinement, namespaces = spec.confinement, spec.namespaces
    kernel = _KERNEL if confinement.privileged else _KERNEL | _RDONLY
    plan: list[MountOp] = [
        SharedProc(_KERNEL) if namespaces.pid == "host" else NewFilesystem("proc", "/proc", _KERNEL),
        NewFilesystem("sysfs", "/sys", kernel) if namespaces.own_network else SharedSys(kernel),
        _HOST_CGROUPS if namespaces.cgroup else NewFilesystem("cgroup2", "/sys/fs/cgroup", kernel, may_fail=True),
        Devices(),
        NewFilesystem("devpts", "/dev/pts", _NOSUID | _NOEXEC, _PTS_OPTIONS),
        *_shared_memory(spec),
        NewFilesystem("mqueue", "/dev/mqueue", _KERNEL, may_fail=True),
        OwnFile("hosts", "/etc/hosts"),
        OwnFile("hostname", "/etc/hostname"),
        OwnFile("resolv.conf", "/etc/resolv.conf"),
    ]
    if init_program:
        plan.append(HostProgram(init_program, INIT_TARGET))
    # A mount below another one comes after it, whatever the file's order.
    wanted = sorted(spec.mounts, key=lambda mount: len([part for part in mount.target.split("/") if part]))
    names = {mount.target: name for name, mount in given_files(spec).items()}
    if confinement == _USUAL:
        plan.extend(_wanted(mount, names) for mount in wanted)
    else:
        plan.extend(_with_devices(spec, [_wanted(mount, names) for mount in wanted]))
    return tuple(plan)


def _shared_memory(spec: ContainerSpec) -> tuple[MountOp, ...]:
    match spec.namespaces.ipc:
        case "":
            size = ("size", str(spec.shm_bytes or SHM_BYTES))
            return (NewFilesystem("tmpfs", "/dev/shm", _KERNEL, (("mode", "1777"), size)),)  # noqa: S108
        case "none":
            return ()
        case "host":
            return (HostPath("/dev/shm", "/dev/shm", _KERNEL, recursive=False),)  # noqa: S108
        case _:
            return (SharedMemory(),)


def given_files(spec: ContainerSpec) -> dict[str, FileMount]:
    """The configs and secrets of a container, by the names that their files have outside."""
    files = (mount for mount in spec.mounts if isinstance(mount, FileMount))
    return {str(number): mount for number, mount in enumerate(files)}


def _with_devices(spec: ContainerSpec, ops: Sequence[MountOp]) -> Iterator[MountOp]:
    """The mounts of a container that uses devices of the host's: whoever gets rules, or all, finds nodes in mounts."""
    devices = wanted_devices(spec)
    copied = {device.target for device in devices}
    for op in ops:
        if isinstance(op, HostPath) and _uses_nodes(spec.confinement):
            if op.target not in copied:
                yield op._replace(attributes=op.attributes & ~_NODEV)
        else:
            yield op
    for index, device in enumerate(devices):
        name = device_name(index, device)
        if name.startswith(_HIDDEN):
            yield DeviceCopy(f"/dev/{name}", device.target)


def wanted_devices(spec: ContainerSpec) -> tuple[Device, ...]:
    """The devices that a container gets: those it names, and those below mounts of the host's /dev that it may use.

    They get nodes of their own: the file system of /dev cannot map ids, so the host's belong to nobody inside.
    """
    named = spec.confinement.devices
    if not _uses_nodes(spec.confinement):
        return named
    return (
        *named,
        *(
            Device(source=mount.source, target=mount.target)
            for mount in spec.mounts
            if isinstance(mount, BindMount) and f"{mount.source}/".startswith("/dev/")
        ),
    )


def _uses_nodes(confinement: Confinement) -> bool:
    return confinement.privileged or bool(confinement.device_rules)


def device_name(index: int, device: Device) -> str:
    """Where in the container's /dev the node of its device number `index` is; empty for /dev itself."""
    target = os.path.normpath(device.target)
    if target == "/dev":
        return ""
    return target.removeprefix("/dev/") if target.startswith("/dev/") else f"{_HIDDEN}{index}"


INIT_TARGET = "/dev/init"
_HIDDEN = ".windlass/"  # below /dev: the nodes of devices that are wanted elsewhere
_USUAL = Confinement()
_HOST_CGROUPS = HostPath("/sys/fs/cgroup", "/sys/fs/cgroup", _KERNEL | _RDONLY, top_attributes=_RDONLY)
_PTS_OPTIONS = (("ptmxmode", "0666"), ("mode", "620"), ("gid", "5"), ("max", str(PTY_LIMIT)))


def _wanted(mount: Mount, names: Mapping[str, str]) -> MountOp:
    parts = os.path.normpath(mount.target).lstrip("/").split("/")
    if parts[0] in {"", ".", "proc"}:
        raise StartError(
            f"nothing can be mounted on {mount.target} of a container",
            stage="mounts",
            hint="choose another target: the root is the image's, and /proc is the kernel's",
        )
    if isinstance(mount, FileMount):
        return GivenFile(names[mount.target], mount.target)
    if isinstance(mount, ImageMount):
        return ImageTree(mount.layers, mount.target, _NOSUID | _NODEV | _RDONLY, mount.subpath)
    locked = _RDONLY if mount.read_only else Attribute(0)
    attributes = _NOSUID | _NODEV | locked
    match mount:
        case BindMount():
            return _host_path(mount, locked)
        case VolumeMount():
            fill = not mount.no_copy and not mount.subpath
            return VolumeData(mount.volume, mount.target, attributes, fill=fill, subpath=mount.subpath)
        case TmpfsMount():
            size = (("size", str(mount.size_bytes)),) if mount.size_bytes else ()
            inodes = (("nr_inodes", str(mount.inodes)),) if mount.inodes else ()
            owner = tuple((key, str(value)) for key, value in (("uid", mount.uid), ("gid", mount.gid)) if value)
            options = (("mode", f"{mount.mode:o}"), *size, *inodes, *owner)
            executable = Attribute(0) if mount.executable else _NOEXEC
            return NewFilesystem("tmpfs", mount.target, attributes | executable, options)


def _host_path(mount: BindMount, locked: Attribute) -> HostPath:
    """A bind mount. What is mounted below its source comes along and is locked along, unless it says otherwise."""
    everywhere = _NOSUID | _NODEV | (Attribute(0) if mount.recursive == "writable" else locked)
    propagation = MountFlag.PRIVATE
    if mount.propagation.endswith("slave"):
        propagation = MountFlag.SLAVE
    elif mount.propagation.endswith("shared"):
        propagation = MountFlag(0)
    return HostPath(
        mount.source,
        mount.target,
        everywhere,
        create_source=mount.create_source,
        top_attributes=locked,
        propagation=propagation,
        recursive=mount.recursive != "disabled",
    )
