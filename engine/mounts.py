"""Decides what is mounted where inside a container, in which order."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from engine.errors import StartError
from engine.spec import BindMount, ContainerSpec, FileMount, Mount, TmpfsMount, VolumeMount
from engine.syscalls import Attribute

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


class OwnFile(NamedTuple):
    """A file of the engine's, made anew for each container, in place of the image's."""

    name: str
    target: str


class SharedSys(NamedTuple):
    """/sys of a network that is not the container's own, made from outside: inside, nobody may."""

    attributes: Attribute
    target: str = "/sys"


class HostProgram(NamedTuple):
    """A program of the host's, to be run inside."""

    source: str
    target: str


class HostPath(NamedTuple):
    """A file or directory of the host's."""

    source: str
    target: str
    attributes: Attribute
    create_source: bool = False


class VolumeData(NamedTuple):
    """A named volume; filled with what the image has at `target` when it is new, if `fill`."""

    volume: str
    target: str
    attributes: Attribute
    fill: bool


class GivenFile(NamedTuple):
    """A config or secret: the file `name` of those that were written for the container; see `given_files`."""

    name: str
    target: str
    attributes: Attribute = _NOSUID | _NODEV | _RDONLY


MountOp = NewFilesystem | Devices | SharedSys | OwnFile | HostProgram | HostPath | VolumeData | GivenFile


def mount_plan(spec: ContainerSpec, *, init_program: str = "") -> tuple[MountOp, ...]:
    """What to mount on the container's root, in this order; `init_program` is the host's path of a small init."""
    plan: list[MountOp] = [
        NewFilesystem("proc", "/proc", _KERNEL),
        NewFilesystem("sysfs", "/sys", _KERNEL | _RDONLY)
        if spec.namespaces.own_network
        else SharedSys(_KERNEL | _RDONLY),
        NewFilesystem("cgroup2", "/sys/fs/cgroup", _KERNEL | _RDONLY, may_fail=True),
        Devices(),
        NewFilesystem("devpts", "/dev/pts", _NOSUID | _NOEXEC, _PTS_OPTIONS),
        NewFilesystem("tmpfs", "/dev/shm", _KERNEL, (("mode", "1777"), ("size", str(spec.shm_bytes or SHM_BYTES)))),  # noqa: S108
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
    plan.extend(_wanted(mount, names) for mount in wanted)
    return tuple(plan)


def given_files(spec: ContainerSpec) -> dict[str, FileMount]:
    """The configs and secrets of a container, by the names that their files have outside."""
    files = (mount for mount in spec.mounts if isinstance(mount, FileMount))
    return {str(number): mount for number, mount in enumerate(files)}


INIT_TARGET = "/dev/init"
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
    attributes = _NOSUID | _NODEV | (_RDONLY if mount.read_only else Attribute(0))
    match mount:
        case BindMount():
            return HostPath(mount.source, mount.target, attributes, mount.create_source)
        case VolumeMount():
            return VolumeData(mount.volume, mount.target, attributes, fill=not mount.no_copy)
        case TmpfsMount():
            size = (("size", str(mount.size_bytes)),) if mount.size_bytes else ()
            options = (("mode", f"{mount.mode:o}"), *size)
            executable = Attribute(0) if mount.executable else _NOEXEC
            return NewFilesystem("tmpfs", mount.target, attributes | executable, options)
