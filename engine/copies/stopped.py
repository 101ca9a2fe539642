"""Shows a container that does not run to a process of ours as it would see itself: its layer, volumes, bind mounts.

The process gets namespaces of its own, which go with it. The caller sees to it that nobody starts the container
meanwhile.
"""

import os
import socket
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine import fill, handover, mounts, privileges, syscalls, targets
from engine.cgroups import Cgroups
from engine.copies import visits
from engine.copies.visits import Job, Visit
from engine.disks import layer_place
from engine.errors import CopyError
from engine.images import places
from engine.layout import StackLayout
from engine.mounts import HostPath, ImageTree, MountOp, VolumeData
from engine.spec import ContainerSpec, ImageMount, VolumeMount
from engine.start import LaunchOrder, VolumeSource, map_ids, send_mounts
from engine.state import ContainerRecord
from engine.syscalls import AT_FDCWD, MNT_DETACH, Attribute, Clone, MountFlag
from engine.volumes import VolumeStore

_GO = b"go"


def visit_stopped(stack: StackLayout, record: ContainerRecord, job: Job, kept_fds: Iterable[int]) -> Visit:
    """Begins a job in what the container's files are; StartError when they cannot be shown."""
    spec, own_users = record.spec, record.state.first_id != 0
    volumes = _volumes(stack, spec)
    plan = tuple(_plan(spec, volumes))
    control, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def enter() -> None:
        _enter(far_end, plan, read_only=spec.read_only)

    visit: Visit | None = None
    try:
        flags = Clone.NEWNS | Clone.NEWUSER if own_users else Clone.NEWNS
        visit = visits.begin(flags, enter, job, (*kept_fds, far_end.fileno()))
        far_end.close()
        pid = _pid_of(visit.pidfd)
        if own_users:
            map_ids(pid, record.state.first_id)
        send_mounts(_order(stack, record, volumes), plan, pid, control)
        handover.send(control, _GO)
    except BaseException:
        control.close()
        if visit is not None:
            visits.abandon(visit)
            visits.close(visit)
        raise
    finally:
        control.close()
        far_end.close()
    return visit


def _pid_of(pidfd: int) -> int:
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:  # noqa: PTH123 - pidfd_open(2)
        return next(int(line.split()[1]) for line in file if line.startswith("Pid:"))


def _volumes(stack: StackLayout, spec: ContainerSpec) -> dict[str, VolumeSource]:
    store = VolumeStore(stack.roots.volumes)
    sources = {}
    for mount in spec.mounts:
        if isinstance(mount, VolumeMount):
            volume = store.ensure(mount.volume, project=stack.name)
            sources[mount.volume] = VolumeSource(path=volume.data, fill=not mount.no_copy and not volume.filled)
    return sources


def _plan(spec: ContainerSpec, volumes: dict[str, VolumeSource]) -> Iterator[MountOp]:
    """What has files that stay: what a start makes anew (/proc, /dev, tmpfs, hosts) has none now."""
    for op in mounts.mount_plan(spec):
        match op:
            case VolumeData():
                yield op._replace(fill=op.fill and volumes[op.volume].fill)
            case HostPath() if Path(op.source).exists() and not op.target.startswith("/dev"):
                yield op
            case ImageTree():
                yield op


def _order(stack: StackLayout, record: ContainerRecord, volumes: dict[str, VolumeSource]) -> LaunchOrder:
    spec = record.spec
    layer = layer_place(stack.data(spec.id), spec)
    images = stack.roots.images
    mounted = (mount for mount in spec.mounts if isinstance(mount, ImageMount))
    return LaunchOrder(
        spec=spec,
        first_id=record.state.first_id,
        layer_directories=tuple(places.layer_tree(images, diff_id) for diff_id in spec.layers),
        upper=layer / "upper",
        work=layer / "work",
        own_files=stack.container(spec.id) / "etc",
        cgroup=Cgroups(stack.label).find(spec.id, spec.cgroup_parent),
        stdout=-1,
        stderr=-1,
        volumes=volumes,
        image_layers={diff_id: places.layer_tree(images, diff_id) for mount in mounted for diff_id in mount.layers},
    )


def _enter(control: socket.socket, plan: tuple[MountOp, ...], *, read_only: bool) -> None:
    root_fd, *rest = _receive(control)
    given = iter(rest)
    privileges.become_root()
    syscalls.mount("", "/", "", MountFlag.REC | MountFlag.PRIVATE)
    syscalls.move_mount(root_fd, AT_FDCWD, "/")
    for op in plan:
        _attach(root_fd, op, next(given), given)
    os.fchdir(root_fd)
    syscalls.pivot_root(".", ".")
    syscalls.umount2(".", MNT_DETACH)
    os.chdir("/")
    if read_only:
        syscalls.mount_setattr(root_fd, attr_set=Attribute.RDONLY)
    _receive(control)


def _attach(root_fd: int, op: MountOp, mount_fd: int, given: Iterator[int]) -> None:
    if isinstance(op, VolumeData) and op.fill:
        marker = next(given)
        source = targets.find(root_fd, op.target, os.O_PATH | os.O_DIRECTORY)
        if source is not None:
            fill.fill_volume(source, mount_fd, marker)
    target = targets.ensure(root_fd, op.target, directory=stat.S_ISDIR(os.fstat(mount_fd).st_mode))
    syscalls.move_mount(mount_fd, target)
    if isinstance(op, VolumeData) and op.attributes & Attribute.RDONLY:
        syscalls.mount_setattr(mount_fd, attr_set=Attribute.RDONLY)


def _receive(control: socket.socket) -> list[int]:
    told, fds = handover.receive(control)
    if not told:
        raise CopyError("the files of the container could not be shown")
    return fds
