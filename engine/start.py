"""Starts a container: makes its first process with namespaces of its own, and everything that it needs from outside."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import NamedTuple

from engine import contained, detached, device_files, handover, idranges, joining, mounts, privileges, rlimits
from engine.cgroups import Cgroup
from engine.contained import Contained
from engine.errors import StartError
from engine.joining import Join
from engine.mounts import (
    DeviceCopy,
    DeviceNode,
    Devices,
    GivenFile,
    HostPath,
    HostProgram,
    ImageTree,
    MountOp,
    NewFilesystem,
    OwnFile,
    SharedMemory,
    SharedProc,
    SharedSys,
    VolumeData,
)
from engine.namespaces import inside
from engine.outcome import read_outcome
from engine.processes import expect_to_be_killed, kill_and_reap
from engine.spec import Confinement, ContainerSpec, Namespaces
from engine.syscalls import Attribute, Clone
from engine.terminals import WindowSize
from engine.volumes import filled_marker

__all__ = ["LaunchOrder", "Launched", "VolumeSource", "launch", "map_ids", "read_outcome", "send_mounts"]

_INIT_PROGRAMS = (
    "/usr/bin/tini-static",
    "/usr/bin/catatonit",
    "/usr/libexec/catatonit/catatonit",
    "/usr/libexec/podman/catatonit",
)
_MOUNTS, _GO = b"mounts", b"go"


class VolumeSource(NamedTuple):
    """Where a named volume's data are, and whether an image may fill it if it is new."""

    path: Path
    fill: bool


class LaunchOrder(NamedTuple):
    """All that a start needs.

    `layer_directories` are base first. `volumes` is by volume name. `own_files` is a directory with hosts, hostname
    and resolv.conf. `stdin` None is the container's own /dev/null. The descriptors stay the caller's.
    `image_layers` are the directories of the layers of images that it mounts.
    `given_files` is a directory with the configs and secrets, named as engine.mounts.given_files says.
    `network` is a pidfd of the process whose network namespace a container is to share, if that is a container's;
    `joins` are its other namespaces that are other containers'. A `first_id` of 0 is for the host's own ids.
    `cache` is where compiled filters of system calls are kept, if anywhere. `window` is the size of its terminal.
    """

    spec: ContainerSpec
    first_id: int
    layer_directories: tuple[Path, ...]
    upper: Path
    work: Path
    own_files: Path
    cgroup: Cgroup
    stdout: int
    stderr: int
    stdin: int | None = None
    volumes: Mapping[str, VolumeSource] = {}
    cache: Path | None = None
    given_files: Path | None = None
    image_layers: Mapping[str, Path] = {}
    network: int | None = None
    joins: tuple[Join, ...] = ()
    window: WindowSize = WindowSize()


class Launched(NamedTuple):
    """A container on its way: `outcome_fd` ends silently once its program runs; see `read_outcome`.

    `terminal_fd` is the master of its terminal, if it has one.
    """

    pid: int
    pidfd: int
    outcome_fd: int
    terminal_fd: int | None = None


def launch(order: LaunchOrder, *, connect: Callable[[int], None]) -> Launched:
    """Starts a container; `connect` is called with the pid of its first process once its namespaces exist.

    The caller owns the descriptors and waits for the process. On failure nothing is left but the order's directories.
    """
    spec = order.spec
    init_program = _init_program() if spec.init else ""
    plan = tuple(
        op._replace(fill=op.fill and order.volumes[op.volume].fill) if isinstance(op, VolumeData) else op
        for op in mounts.mount_plan(spec, init_program=init_program)
    )
    allowed = privileges.granted(spec, order.cache)
    privileges.stop_ignoring_signals()
    control, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    outcome_fd, outcome_writer = os.pipe2(os.O_CLOEXEC)
    pidfd = -1
    terminals: list[int] = []
    try:
        wanted = Contained(
            process=spec.process,
            hostname=spec.hostname,
            plan=plan,
            masked=_masked(spec.confinement),
            locked=_locked(spec.confinement),
            read_only=spec.read_only,
            init=_init_arguments(spec, init_program),
            namespaces=spec.namespaces,
            domain=spec.resolver.domain,
            limits=spec.resource_limits,
            sysctls=spec.sysctls,
            nesting=spec.confinement.privileged or not order.first_id,
            host_ids=not order.first_id,
            shared_memory=-1,
            privileges=allowed,
            control=far_end,
            outcome_fd=outcome_writer,
            stdin=order.stdin,
            window=order.window,
            stdout=order.stdout,
            stderr=order.stderr,
        )
        with _shared_network(order):
            if order.joins:
                pid, pidfd = joining.clone_inside(order.cgroup, order.joins, _own(spec.namespaces), wanted)
            else:
                pid, pidfd = order.cgroup.clone(_own(spec.namespaces))
                if pid == 0:
                    contained.become_container(wanted)
        far_end.close()
        os.close(outcome_writer)
        outcome_writer = -1
        if spec.namespaces.own_users:
            map_ids(pid, order.first_id)
        order.cgroup.join(pid)
        expect_to_be_killed(pid, spec.oom_score_adjustment)
        rlimits.apply(pid, spec.resource_limits)
        send_mounts(order, plan, pid, control)
        connect(pid)
        if spec.process.terminal:
            terminals.append(_terminal(control))
        handover.send(control, _GO)
    except BaseException as error:
        for fd in terminals:
            os.close(fd)
        if pidfd >= 0:
            kill_and_reap(pidfd)
            os.close(pidfd)
        if outcome_writer >= 0:
            os.close(outcome_writer)
            outcome_writer = -1
        _raise_own_failure(outcome_fd, error)
        raise
    finally:
        control.close()
        far_end.close()
        if outcome_writer >= 0:
            os.close(outcome_writer)
    return Launched(pid, pidfd, outcome_fd, terminals[0] if terminals else None)


def _own(namespaces: Namespaces) -> Clone:
    """The namespaces that are made for a container."""
    flags = Clone.NEWNS
    if namespaces.own_users:
        flags |= Clone.NEWUSER
    if namespaces.own_network:
        flags |= Clone.NEWNET
    if not namespaces.pid:
        flags |= Clone.NEWPID
    if namespaces.ipc in {"", "none"}:
        flags |= Clone.NEWIPC
    return flags if namespaces.uts else flags | Clone.NEWUTS


def _init_arguments(spec: ContainerSpec, init_program: str) -> tuple[str, ...]:
    """How the small init is called, empty without one; among the processes of others it reaps only its own."""
    if not spec.init:
        return ()
    if not spec.namespaces.pid:
        return (mounts.INIT_TARGET,)
    if "tini" in init_program:
        return (mounts.INIT_TARGET, "-s")
    raise StartError(
        "cannot start with `init: true` among the processes of others: that takes tini",
        stage="init",
        hint="install the package tini, or remove `init`",
    )


def _terminal(control: socket.socket) -> int:
    _, received = handover.receive(control)
    if not received:
        raise StartError("the container ended before it had its terminal", stage="terminal")
    return received[0]


def _init_program() -> str:
    for path in _INIT_PROGRAMS:
        if Path(path).exists():
            return path
    raise StartError(
        "cannot start with `init: true`: this host has no small static init",
        stage="init",
        hint="install the package tini (or catatonit), or remove `init`",
    )


def _shared_network(order: LaunchOrder) -> AbstractContextManager[None]:
    """Makes a block run inside the network that the container shares, if that is not the caller's own."""
    return nullcontext() if order.network is None else inside(order.network)


def map_ids(pid: int, first_id: int) -> None:
    """Gives the user namespace that a process was made in its range of the host's ids."""
    mapping = f"0 {first_id} {idranges.SIZE}".encode()
    for name in ("uid_map", "gid_map"):
        fd = os.open(f"/proc/{pid}/{name}", os.O_WRONLY)
        try:
            os.write(fd, mapping)
        finally:
            os.close(fd)


def send_mounts(order: LaunchOrder, plan: Sequence[MountOp], pid: int, control: socket.socket) -> None:
    """Hands over what `contained` expects: the root, then in the plan's order what each step needs from outside."""
    # The ids of the host are what is on disk already, and cannot be mapped to themselves.
    userns_fd = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY) if order.first_id else -1
    trees: list[int] = []
    fds: list[int] = []
    try:
        layers, first_id = order.layer_directories, order.first_id
        root_fd, *trees = detached.root(layers, order.upper, order.work, userns_fd=userns_fd, first_id=first_id)
        fds.append(root_fd)
        for op in plan:
            fds.extend(_outside(op, order, userns_fd))
        if len(fds) + len(trees) > handover.MOST_DESCRIPTORS:
            raise StartError("the container has too many mounts", stage="mounts", hint="the most are about 240")
        handover.send(control, _MOUNTS, (*fds, *trees))
    finally:
        for fd in (*([userns_fd] if userns_fd >= 0 else []), *fds, *trees):
            os.close(fd)


def _device_nodes(spec: ContainerSpec) -> Sequence[DeviceNode]:
    confinement = spec.confinement
    if not (confinement.devices or confinement.privileged or confinement.device_rules):
        return ()
    from engine import device_nodes  # noqa: PLC0415 - few containers use devices of the host

    return device_nodes.nodes(spec)


def _masked(confinement: Confinement) -> tuple[str, ...]:
    """The paths to hide; no copy of the usual ones is made when nothing is said."""
    usual = () if confinement.privileged or confinement.unmasked else _present(mounts.MASKED)
    if not confinement.mask and not confinement.unmask:
        return usual
    shown = set(confinement.unmask)
    return (*(path for path in usual if path not in shown), *confinement.mask)


def _locked(confinement: Confinement) -> tuple[str, ...]:
    """The paths to make read-only."""
    if confinement.privileged or confinement.unmasked:
        return ()
    shown = set(confinement.unmask)
    return tuple(path for path in _present(mounts.READ_ONLY) if path not in shown)


@cache
def _present(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the kernel's own paths that this kernel has."""
    return tuple(path for path in paths if os.path.lexists(path))


def _outside(op: MountOp, order: LaunchOrder, userns_fd: int) -> tuple[int, ...]:
    match op:
        case NewFilesystem() | DeviceCopy() | SharedMemory():
            return ()
        case Devices():
            return (device_files.devices(order.first_id, _device_nodes(order.spec)),)
        case SharedSys():
            with _shared_network(order):
                return (detached.new_kernel_files("sysfs", op.attributes),)
        case SharedProc():
            return (detached.new_kernel_files("proc", op.attributes),)
        case VolumeData():
            return _volume(op, order, userns_fd)
        case _:
            return (_tree(op, order, userns_fd),)


def _tree(op: OwnFile | HostProgram | HostPath | ImageTree | GivenFile, order: LaunchOrder, userns_fd: int) -> int:
    """The mount of something that lies outside."""
    match op:
        case OwnFile():
            return detached.own_file(order.own_files / op.name, userns_fd)
        case HostProgram():
            return detached.host_program(op)
        case HostPath():
            return detached.host_path(op, order.layer_directories, userns_fd)
        case ImageTree():
            layers = [order.image_layers[layer] for layer in op.layers]
            return detached.image(layers, op.attributes, userns_fd, op.subpath)
        case GivenFile():
            if order.given_files is None:
                raise AssertionError(f"nobody wrote the file for {op.target}")
            return detached.given_file(order.given_files / op.name, op.attributes)


def _volume(op: VolumeData, order: LaunchOrder, userns_fd: int) -> tuple[int, ...]:
    source = order.volumes[op.volume]
    if not op.fill:
        return (detached.volume(source.path, op.attributes, userns_fd, op.subpath),)
    # While it is filled it must be writable; afterwards the container's first process takes that away.
    attributes = op.attributes & ~Attribute.RDONLY
    mount_fd = detached.volume(source.path, attributes, userns_fd)
    try:
        return mount_fd, os.open(filled_marker(source.path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except BaseException:
        os.close(mount_fd)
        raise


def _raise_own_failure(outcome_fd: int, error: BaseException) -> None:
    """Raises what the first process had to say before it ended, which is why `error` came about."""
    told = read_outcome(outcome_fd)
    if told is not None:
        raise told from error
