"""The first process of a container, from its birth to the program that it becomes.

Runs in a copy of the supervisor: nothing is imported here, nothing is logged, and every failure goes into the pipe.
"""

import os
import socket
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, NoReturn

from engine import (
    boundary,
    executables,
    fill,
    handover,
    outcome,
    privileges,
    rlimits,
    settings,
    syscalls,
    targets,
    terminals,
    users,
)
from engine.errors import StartError, SyscallError
from engine.mounts import (
    INIT_TARGET,
    DeviceCopy,
    Devices,
    MountOp,
    NewFilesystem,
    SharedMemory,
    SharedProc,
    VolumeData,
)
from engine.privileges import Privileges
from engine.spec import Namespaces, Process, ResourceLimit
from engine.syscalls import (
    AT_FDCWD,
    AT_RECURSIVE,
    MNT_DETACH,
    Attribute,
    Clone,
    MountFlag,
)
from engine.terminals import WindowSize
from engine.users import User

_KERNEL_TARGETS = frozenset({"/proc", "/sys", "/dev"})
_LOCKED = Attribute.RDONLY | Attribute.NOSUID | Attribute.NODEV | Attribute.NOEXEC
_EMPTY_DIRECTORY = NewFilesystem("tmpfs", "", _LOCKED, (("mode", "755"), ("size", "0")))


class Contained(NamedTuple):
    """All that the first process needs to know; everything is decided before it is born."""

    process: Process
    hostname: str
    plan: tuple[MountOp, ...]
    masked: tuple[str, ...]
    locked: tuple[str, ...]
    read_only: bool
    init: tuple[str, ...]
    namespaces: Namespaces
    domain: str
    limits: tuple[ResourceLimit, ...]
    sysctls: Mapping[str, str]
    nesting: bool
    host_ids: bool
    shared_memory: int
    privileges: Privileges
    control: socket.socket
    outcome_fd: int
    stdin: int | None
    window: WindowSize
    stdout: int
    stderr: int


class _Birth:
    """A container in the making: what one step leaves for the next."""

    def __init__(self, wanted: Contained) -> None:
        self.wanted = wanted
        self.process = wanted.process
        self.root_fd = -1
        self.given: Iterator[int] = iter(())
        self.null_fd = -1
        self.proc_device = -1
        self.master = -1
        self.terminal = -1
        self.user = User(0, 0, (), "/")
        self.environment: dict[str, str] = {}


def become_container(wanted: Contained) -> NoReturn:
    """Makes this process, just cloned into its new namespaces, the container's program."""
    stage = ""
    try:
        birth = _Birth(wanted)
        for stage, step in _STEPS:  # noqa: B007 -- the failing step's name is needed after the loop
            step(birth)
        stage = "program"
        _run_program(birth)
    except BaseException as error:  # noqa: BLE001 -- there is nobody above to see it
        outcome.fail(wanted.outcome_fd, stage, error)


def _seal(birth: _Birth) -> None:
    wanted = birth.wanted
    streams = (wanted.stdin, wanted.stdout, wanted.stderr)
    given = (fd for fd in (*streams, wanted.shared_memory) if fd is not None and fd >= 0)
    boundary.seal((wanted.control.fileno(), wanted.outcome_fd, *given))


def _receive_mounts(birth: _Birth) -> None:
    birth.root_fd, *rest = _receive(birth)
    birth.given = iter(rest)
    # Only now is this process where it belongs in every hierarchy: what it is in becomes "/".
    if not birth.wanted.namespaces.cgroup:
        syscalls.unshare(Clone.NEWCGROUP)


def _become_root(_birth: _Birth) -> None:
    privileges.become_ordinary()
    privileges.become_root()


def _attach_root(birth: _Birth) -> None:
    syscalls.mount("", "/", "", MountFlag.REC | MountFlag.PRIVATE)
    syscalls.move_mount(birth.root_fd, AT_FDCWD, "/")


def _mount_all(birth: _Birth) -> None:
    for op in birth.wanted.plan:
        if isinstance(op, NewFilesystem):
            _mount_new(birth, op)
        elif isinstance(op, DeviceCopy):
            _show_device(birth, op)
        elif isinstance(op, SharedMemory):
            _attach(birth, op, birth.wanted.shared_memory)
        else:
            _attach(birth, op, next(birth.given))


def _write_settings(birth: _Birth) -> None:
    wanted = birth.wanted
    settings.write_settings(
        birth.root_fd, wanted.sysctls, own_network=wanted.namespaces.own_network, nesting=wanted.nesting
    )


def _cover_kernel_files(birth: _Birth) -> None:
    """Hides and locks paths of /proc and /sys."""
    empty = -1
    for path in birth.wanted.masked:
        target = targets.find(birth.root_fd, path)
        if target is None:
            continue
        if stat.S_ISDIR(os.fstat(target).st_mode):
            if empty < 0:
                empty = _new_mount(_EMPTY_DIRECTORY)
                syscalls.move_mount(empty, target)
                os.close(target)
                continue
            cover = syscalls.open_tree(empty, "")
        else:
            cover = syscalls.open_tree(birth.null_fd, "")
        syscalls.move_mount(cover, target)
        os.close(cover)
        os.close(target)
    if empty >= 0:
        os.close(empty)
    for path in birth.wanted.locked:
        target = targets.find(birth.root_fd, path)
        if target is not None:
            copy = syscalls.open_tree(target, "", AT_RECURSIVE)
            syscalls.mount_setattr(copy, AT_RECURSIVE, attr_set=_LOCKED)
            syscalls.move_mount(copy, target)
            os.close(copy)
            os.close(target)


def _change_root(birth: _Birth) -> None:
    os.fchdir(birth.root_fd)
    syscalls.pivot_root(".", ".")
    syscalls.umount2(".", MNT_DETACH)
    os.chdir("/")
    if birth.wanted.namespaces.uts:
        return
    socket.sethostname(birth.wanted.hostname)
    if birth.wanted.domain:
        syscalls.setdomainname(birth.wanted.domain)


def _enter_working_directory(birth: _Birth) -> None:
    boundary.change_directory(targets.ensure(birth.root_fd, birth.process.working_directory, directory=True))


def _lock_root(birth: _Birth) -> None:
    if birth.wanted.read_only:
        syscalls.mount_setattr(birth.root_fd, attr_set=Attribute.RDONLY)


def _open_terminal(birth: _Birth) -> None:
    if birth.process.terminal:
        master, birth.terminal = terminals.open_terminal(birth.root_fd, birth.wanted.window)
        handover.send(birth.wanted.control, b"terminal", (master,))
        birth.master = terminals.hold(master)  # now: the descriptor may be one that the streams will take


def _wait_for_go(birth: _Birth) -> None:
    _receive(birth)


def _find_user(birth: _Birth) -> None:
    birth.user = users.find_user(birth.root_fd, birth.process.user, birth.process.groups)
    given = birth.process.environment
    if birth.process.terminal:
        given = {"TERM": "xterm", **given}
    birth.environment = executables.environment(given, birth.wanted.hostname, birth.user.home)


def _connect_streams(birth: _Birth) -> None:
    wanted = birth.wanted
    if birth.terminal >= 0:
        terminals.take(birth.terminal, birth.user.uid)
        boundary.connect_streams(birth.terminal, birth.terminal, birth.terminal)
        return
    # The container's own /dev/null: nobody has had a chance to put something else in its place.
    stdin = birth.null_fd if wanted.stdin is None else wanted.stdin
    boundary.connect_streams(stdin, wanted.stdout, wanted.stderr)


def _drop_privileges(birth: _Birth) -> None:
    privileges.drop(birth.wanted.privileges, birth.user)


def _run_program(birth: _Birth) -> NoReturn:
    if birth.terminal < 0:
        boundary.close_all_but(birth.wanted.outcome_fd)
    else:
        boundary.close_all_but(birth.wanted.outcome_fd, birth.master)
    argv = birth.process.argv
    path = executables.find(argv[0] if argv else "", birth.environment["PATH"])
    if birth.wanted.host_ids:
        executables.require_own(path)
    rlimits.settle(birth.wanted.limits)
    if birth.wanted.init:
        executables.execute(INIT_TARGET, (*birth.wanted.init, "--", path, *argv[1:]), birth.environment)
    executables.execute(path, argv, birth.environment)


_STEPS: tuple[tuple[str, Callable[[_Birth], None]], ...] = (
    ("boundary", _seal),
    ("mounts from outside", _receive_mounts),
    ("user namespace", _become_root),
    ("root", _attach_root),
    ("mounts", _mount_all),
    ("kernel settings", _write_settings),
    ("masks", _cover_kernel_files),
    ("change of root", _change_root),
    ("working directory", _enter_working_directory),
    ("read-only root", _lock_root),
    ("terminal", _open_terminal),
    ("network", _wait_for_go),
    ("user", _find_user),
    ("streams", _connect_streams),
    ("privileges", _drop_privileges),
)


def _receive(birth: _Birth) -> list[int]:
    told, fds = handover.receive(birth.wanted.control)
    if not told:  # the one outside has died or given up
        os._exit(125)
    return fds


def _new_mount(op: NewFilesystem) -> int:
    fs_fd = syscalls.fsopen(op.kind)
    try:
        syscalls.fsconfig_set(fs_fd, "source", op.kind)
        for key, value in op.options:
            syscalls.fsconfig_set(fs_fd, key, value)
        syscalls.fsconfig_create(fs_fd)
        return syscalls.fsmount(fs_fd, op.attributes)
    finally:
        os.close(fs_fd)


def _mount_new(birth: _Birth, op: NewFilesystem) -> None:
    target = _target(birth, op.target, directory=True)
    try:
        mount_fd = _new_mount(op)
        if op.kind == "proc":
            birth.proc_device = os.fstat(mount_fd).st_dev
        syscalls.move_mount(mount_fd, target)
        os.close(mount_fd)
    except SyscallError as error:
        if not op.may_fail:
            raise StartError(f"cannot mount {op.target}: {error}", stage="mounts", errno=error.errno) from error
    finally:
        os.close(target)


def _show_device(birth: _Birth, op: DeviceCopy) -> None:
    """Attaches a node of the container's own /dev somewhere else."""
    source = targets.find(birth.root_fd, op.source)
    if source is None:
        raise StartError(f"cannot show a device on {op.target}: it is not in /dev", stage="mounts")
    target = _target(birth, op.target, directory=stat.S_ISDIR(os.fstat(source).st_mode))
    copy = syscalls.open_tree(source, "")
    syscalls.move_mount(copy, target)
    for fd in (source, target, copy):
        os.close(fd)


def _attach(birth: _Birth, op: MountOp, mount_fd: int) -> None:
    if isinstance(op, Devices):
        birth.null_fd = os.open("null", os.O_RDWR, dir_fd=mount_fd)
    if isinstance(op, SharedProc):
        birth.proc_device = os.fstat(mount_fd).st_dev
    if isinstance(op, VolumeData) and op.fill:
        _fill(birth, op, mount_fd)
    target = _target(birth, op.target, directory=stat.S_ISDIR(os.fstat(mount_fd).st_mode))
    try:
        syscalls.move_mount(mount_fd, target)
        if isinstance(op, VolumeData) and op.fill and op.attributes & Attribute.RDONLY:
            syscalls.mount_setattr(mount_fd, attr_set=Attribute.RDONLY)
    except SyscallError as error:
        raise StartError(f"cannot mount on {op.target}: {error}", stage="mounts", errno=error.errno) from error
    finally:
        os.close(target)
        os.close(mount_fd)


def _fill(birth: _Birth, op: VolumeData, volume_fd: int) -> None:
    marker = next(birth.given)
    image_directory = targets.find(birth.root_fd, op.target)
    if image_directory is not None and stat.S_ISDIR(os.fstat(image_directory).st_mode):
        try:
            fill.fill_volume(image_directory, volume_fd, marker)
        except OSError as error:
            raise StartError(
                f"cannot fill the volume {op.volume} from the image's {op.target}: {error}",
                stage="mounts",
                errno=error.errno or 0,
                hint="mount it with `volume: {nocopy: true}` to leave it empty",
            ) from error
        finally:
            os.close(image_directory)
    os.close(marker)


def _target(birth: _Birth, path: str, *, directory: bool) -> int:
    if path in _KERNEL_TARGETS:
        return targets.ensure_directory(birth.root_fd, path)
    found = targets.ensure(birth.root_fd, path, directory=directory)
    # `mounts` has refused /proc by name. What lies over /proc would take the masks and settings that come after it.
    if os.fstat(found).st_dev == birth.proc_device:
        os.close(found)
        raise StartError(
            f"cannot mount on {path}: the image has a link to /proc there",
            stage="mounts",
            hint="choose another target, or remove the link from the image",
        )
    return found
