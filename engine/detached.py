"""Makes the mounts of a container that only the host's root can make, attached nowhere yet.

A detached mount is a descriptor: it is handed to the container's first process, which attaches it in its own mount
namespace. So the host's mount table never sees a container, and nothing is left behind when one dies half-made.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Sequence
from errno import EINVAL, ENOENT, EPERM
from pathlib import Path

from engine import syscalls, targets
from engine.directories import make_private
from engine.errors import StartError, SyscallError
from engine.mounts import HostPath, HostProgram
from engine.syscalls import AT_FDCWD, AT_RECURSIVE, Attribute, MountFlag

_STAGE = "mounts"
# What an upper directory must not depend on, to make sense as a layer.
_LAYER_OPTIONS = (("redirect_dir", "nofollow"), ("metacopy", "off"), ("index", "off"))
_FILE_ATTRIBUTES = Attribute.NOSUID | Attribute.NODEV | Attribute.NOEXEC


def root(layers: Sequence[Path], upper: Path, work: Path, *, userns_fd: int, first_id: int) -> tuple[int, ...]:
    """Returns the root of a container: `layers` (base first), shared and seen through its ids, under its own `upper`.

    Layers are on disk with the ids of the image, `upper` with those of the host: whatever the container writes, setuid
    or not, belongs to nobody there. `upper` and `work` are made if missing. The descriptors after the first are of no
    use any more, but closing the last one of a detached mount takes long: whoever can wait shall do that.
    """
    _prepare(layers[-1], upper, work, first_id)
    held: list[int] = []
    trees: list[int] = []
    try:
        lowers = _lowers(layers, trees, userns_fd)
        held.append(upper_fd := os.open(upper, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        held.append(work_fd := os.open(work, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        held.append(fs_fd := syscalls.fsopen("overlay"))
        syscalls.fsconfig_set(fs_fd, "source", "windlass")
        _set_lowers(fs_fd, lowers)
        # Paths by descriptor need no escapes, and tell a container that reads /proc/mounts nothing about the host.
        syscalls.fsconfig_set(fs_fd, "upperdir", f"/proc/self/fd/{upper_fd}")
        syscalls.fsconfig_set(fs_fd, "workdir", f"/proc/self/fd/{work_fd}")
        for key, value in _LAYER_OPTIONS:
            syscalls.fsconfig_set(fs_fd, key, value)
        # A container's writable layer never outlives a boot, so nothing in it has to survive a power cut, and
        # without this the end of every container would write back the whole disk.
        syscalls.fsconfig_set(fs_fd, "volatile")
        syscalls.fsconfig_create(fs_fd)
        mount_fd = syscalls.fsmount(fs_fd, Attribute.NODEV)
    except BaseException:
        _close(trees)
        raise
    finally:
        _close(held)
    if os.fstatvfs(mount_fd).f_flag & os.ST_RDONLY:  # overlayfs says nothing when it cannot write to `work`
        _close((mount_fd, *trees))
        raise StartError(f"the writable layer {upper} came out read-only", stage=_STAGE, hint="see the kernel's log")
    return mount_fd, *trees


def new_kernel_files(kind: str, attributes: Attribute) -> int:
    """Returns a /sys ("sysfs") or /proc that shows the caller's own network, or processes."""
    fs_fd = syscalls.fsopen(kind)
    try:
        syscalls.fsconfig_create(fs_fd)
        return syscalls.fsmount(fs_fd, attributes)
    finally:
        os.close(fs_fd)


def _lowers(layers: Sequence[Path], trees: list[int], userns_fd: int) -> tuple[str, ...]:
    """The layers' paths, top first, below detached mounts that are added to `trees`: one for all where that can be.

    Of a layer that stands twice among them, which overlayfs refuses, only the upper place shows anything.
    """
    layers = tuple(reversed(dict.fromkeys(reversed(layers))))
    common = Path(os.path.commonpath(layers))
    device = common.stat().st_dev
    if len(layers) > 1 and all(layer.stat().st_dev == device for layer in layers):
        trees.append(tree := _layer_tree(common, userns_fd))
        return tuple(f"/proc/self/fd/{tree}/{layer.relative_to(common)}" for layer in reversed(layers))
    for layer in reversed(layers):  # one at a time: what was made before a failure must be closed
        trees.append(_layer_tree(layer, userns_fd))  # noqa: PERF401
    return tuple(f"/proc/self/fd/{tree}" for tree in trees)


def _layer_tree(path: Path, userns_fd: int) -> int:
    return _mapped_copy(path, AT_FDCWD, str(path), Attribute.RDONLY, userns_fd, recursive=False)


def _close(fds: Iterable[int]) -> None:
    for fd in fds:
        os.close(fd)


def _prepare(base: Path, upper: Path, work: Path, first_id: int) -> None:
    for directory in (upper, work):
        try:
            owner = os.lstat(directory).st_uid
        except FileNotFoundError:
            make_private(directory)
            owner = -1
        if owner != first_id:
            os.chown(directory, first_id, first_id)
            # The upper directory's own mode is that of the container's "/".
            directory.chmod(stat.S_IMODE(base.stat().st_mode))
    # A volatile overlay leaves a mark that forbids using its directories again: they may have lost what a power cut
    # took, which cannot be here, where they end with the boot.
    mark = work / "work" / "incompat" / "volatile"
    try:
        (mark / "dirty").unlink(missing_ok=True)
        mark.rmdir()
    except FileNotFoundError:
        return


def _set_lowers(fs_fd: int, lowers: Sequence[str]) -> None:
    try:
        for path in lowers:
            syscalls.fsconfig_set(fs_fd, "lowerdir+", path)
    except SyscallError as error:
        if error.errno != EINVAL:
            raise
        syscalls.fsconfig_set(fs_fd, "lowerdir", ":".join(lowers))  # Linux before 6.8


def new_tmpfs(options: Sequence[tuple[str, str]]) -> int:
    """Returns a new file system in memory, on which device nodes work."""
    fs_fd = syscalls.fsopen("tmpfs")
    try:
        for key, value in options:
            syscalls.fsconfig_set(fs_fd, key, value)
        syscalls.fsconfig_create(fs_fd)
        return syscalls.fsmount(fs_fd, Attribute.NOSUID | Attribute.NOEXEC)
    finally:
        os.close(fs_fd)


def own_file(path: Path, userns_fd: int) -> int:
    """Returns a mount of a file of the engine's that the container's root may write to."""
    return _mapped_copy(path, AT_FDCWD, str(path), _FILE_ATTRIBUTES, userns_fd, recursive=False)


def given_file(path: Path, attributes: Attribute) -> int:
    """Returns a mount of a config or secret, which is on disk with the host's ids of its owner."""
    try:
        tree = syscalls.open_tree(AT_FDCWD, str(path))
        syscalls.mount_setattr(tree, attr_set=attributes, propagation=MountFlag.PRIVATE)
    except SyscallError as error:
        raise StartError(f"cannot mount {path}: {error}", stage=_STAGE, errno=error.errno) from error
    return tree


def volume(path: Path, attributes: Attribute, userns_fd: int, subpath: str = "") -> int:
    """Returns a mount of a volume's data, which are on disk with the ids that containers see, or of a part of them.

    Links on the way to the part stay inside the volume, whoever made them.
    """
    if not subpath:
        return _mapped_copy(path, AT_FDCWD, str(path), attributes, userns_fd, recursive=False)
    top = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        part = targets.find(top, subpath)
    finally:
        os.close(top)
    if part is None:
        hint = "make it in the volume first, for example with a service that mounts the whole volume"
        raise StartError(f"the volume {path.parent.name} has no {subpath}", stage=_STAGE, errno=ENOENT, hint=hint)
    try:
        return _mapped_copy(path / subpath, part, "", attributes, userns_fd, recursive=False)
    finally:
        os.close(part)


def image(layers: Sequence[Path], attributes: Attribute, userns_fd: int, subpath: str = "") -> int:
    """Returns a mount of an image's files (`layers` base first), or of a part of them, that nobody can write to."""
    trees: list[int] = []
    try:
        if len(set(layers)) == 1:
            whole = _layer_tree(layers[0], userns_fd)
            syscalls.mount_setattr(whole, attr_set=attributes)
        else:
            whole = _read_only_overlay(_lowers(layers, trees, userns_fd), attributes)
    finally:
        _close(trees)
    if not subpath:
        return whole
    try:
        return _part(whole, subpath)
    finally:
        os.close(whole)


def _read_only_overlay(lowers: Sequence[str], attributes: Attribute) -> int:
    fs_fd = syscalls.fsopen("overlay")
    try:
        syscalls.fsconfig_set(fs_fd, "source", "windlass")
        _set_lowers(fs_fd, lowers)
        syscalls.fsconfig_create(fs_fd)
        return syscalls.fsmount(fs_fd, attributes)
    finally:
        os.close(fs_fd)


def _part(whole: int, subpath: str) -> int:
    """A mount of what lies below the root of a detached one."""
    part = targets.find(whole, subpath)
    if part is None:
        raise StartError(f"the image has no {subpath}", stage=_STAGE, errno=ENOENT, hint="check the mount's subpath")
    try:
        return syscalls.open_tree(part, "")
    except SyscallError as error:
        hint = "mount the whole image: parts of one need Linux 6.15" if error.errno == EINVAL else ""
        raise StartError(f"cannot mount {subpath} of an image: {error}", stage=_STAGE, hint=hint) from error
    finally:
        os.close(part)


def host_program(wanted: HostProgram) -> int:
    """Returns a read-only mount of one program of the host."""
    try:
        tree = syscalls.open_tree(AT_FDCWD, wanted.source)
        syscalls.mount_setattr(tree, attr_set=Attribute.RDONLY | Attribute.NOSUID | Attribute.NODEV)
    except SyscallError as error:
        raise StartError(f"cannot use the program {wanted.source}: {error}", stage=_STAGE, errno=error.errno) from error
    return tree


def _make_source(source: Path) -> None:
    """Makes a missing directory with those above it, each owned as the one that it lies in.

    What is missing in somebody's project is theirs, though root makes it.
    """
    missing = [source]
    while not os.path.lexists(missing[-1].parent):
        missing.append(missing[-1].parent)
    for directory in reversed(missing):
        directory.mkdir(exist_ok=True)
        owner = directory.parent.stat()
        # By descriptor and through no link: who owns the directory around it may put another thing in its place.
        made = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):  # not every file system has owners
                os.fchown(made, owner.st_uid, owner.st_gid)
        finally:
            os.close(made)


def host_path(wanted: HostPath, layers: Sequence[Path], userns_fd: int) -> int:
    """Returns a mount of a host's file or directory, with all below it, in which id N inside is id N of the host.

    A source that is missing is not made where the image (`layers`) has a file, which a directory could not cover.
    Where a file system cannot map ids, a read-only mount shows its files as nobody's; a writable one is refused.
    """
    source = Path(wanted.source)
    try:
        if wanted.create_source and not os.path.lexists(source):
            _refuse_to_cover_a_file(wanted, layers)
            _make_source(source)
        held = os.open(source, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        hint = "create it, or check the path for a typing error" if error.errno == ENOENT else ""
        raise StartError(
            f"cannot mount {source} on {wanted.target}: {error.strerror}",
            stage=_STAGE,
            errno=error.errno or 0,
            hint=hint,
        ) from error
    try:
        tree = _mapped_copy(
            source,
            held,
            "",
            wanted.attributes,
            userns_fd,
            recursive=wanted.recursive,
            propagation=wanted.propagation,
        )
    except StartError as error:
        if not wanted.top_attributes & Attribute.RDONLY or error.errno not in {EINVAL, EPERM}:
            raise
        flags = AT_RECURSIVE if wanted.recursive else 0
        tree = syscalls.open_tree(held, "", flags)
        syscalls.mount_setattr(tree, flags, attr_set=wanted.attributes, propagation=wanted.propagation)
    finally:
        os.close(held)
    if wanted.top_attributes & ~wanted.attributes:
        syscalls.mount_setattr(tree, attr_set=wanted.top_attributes)
    return tree


def _refuse_to_cover_a_file(wanted: HostPath, layers: Sequence[Path]) -> None:
    for layer in reversed(layers):
        top = os.open(layer, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            there = targets.find(top, wanted.target)
        except SyscallError:
            continue
        finally:
            os.close(top)
        if there is None:
            continue
        is_file = stat.S_ISREG(os.fstat(there).st_mode)
        os.close(there)
        if is_file:
            raise StartError(
                f"cannot mount {wanted.source} on {wanted.target}: it does not exist, and the image has a file there",
                stage=_STAGE,
                errno=ENOENT,
                hint="create the file, or check the path for a typing error",
            )
        return


def _mapped_copy(
    shown: Path,
    dirfd: int,
    path: str,
    attributes: Attribute,
    userns_fd: int,
    *,
    recursive: bool,
    propagation: MountFlag = MountFlag.PRIVATE,
) -> int:
    flags = AT_RECURSIVE if recursive else 0
    try:
        tree = syscalls.open_tree(dirfd, path, flags)
    except SyscallError as error:
        raise StartError(f"cannot mount {shown}: {error}", stage=_STAGE, errno=error.errno) from error
    _map_ids(tree, attributes, userns_fd, shown, flags, propagation)
    return tree


def _map_ids(
    tree: int,
    attributes: Attribute,
    userns_fd: int,
    shown: Path,
    flags: int = 0,
    propagation: MountFlag = MountFlag.PRIVATE,
) -> None:
    """Shows a detached tree through the container's ids; closes it on failure."""
    wanted = attributes | Attribute.IDMAP if userns_fd >= 0 else attributes
    try:
        syscalls.mount_setattr(tree, flags, attr_set=wanted, propagation=propagation, userns_fd=max(userns_fd, 0))
    except SyscallError as error:
        os.close(tree)
        raise StartError(
            f"cannot mount {shown} with the container's user ids: {os.strerror(error.errno)}",
            stage=_STAGE,
            errno=error.errno,
            hint="its file system, or one mounted below it, cannot map ids (ext4, xfs, btrfs and tmpfs can): "
            "move it to one that can, or mount it read-only",
        ) from error
