"""Finds the writable layer of a container, and tells what in it is not the container's doing."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from engine.disks import layer_place
from engine.dockerfiles.views import read_only_view
from engine.errors import ImageError, SyscallError
from engine.images.serialisation import OPAQUE_ATTRIBUTE, is_whiteout
from engine.images.store import ImageStore
from engine.layout import StackLayout
from engine.mounts import mount_plan
from engine.state import ContainerRecord
from engine.syscalls import Resolve, openat2
from engine.volumes import is_mounted

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_BELOW = Resolve.BENEATH | Resolve.NO_SYMLINKS
_INSIDE = Resolve.IN_ROOT | Resolve.NO_MAGICLINKS


class Opened(NamedTuple):
    """Open directories of a container: what it has written over what its image has.

    `left_out` are the paths ("/etc/hosts") in `upper` that mounts needed and nobody wrote.
    """

    upper: int
    image: int
    left_out: frozenset[str]


@contextmanager
def opened(store: ImageStore, stack: StackLayout, record: ContainerRecord) -> Iterator[Opened]:
    """Opens both for the block. ImageError when the image is not here any more."""
    lower = lower_directories(store, record)
    with store.workspace() as aside, read_only_view(lower, aside) as image:
        upper = os.open(upper_directory(stack, record), _DIRECTORY)
        try:
            yield Opened(upper, image, _left_out(upper, image, record))
        finally:
            os.close(upper)


def upper_directory(stack: StackLayout, record: ContainerRecord) -> Path:
    """Where what a container writes lies."""
    place = layer_place(stack.data(record.spec.id), record.spec)
    if record.spec.storage_bytes and not is_mounted(place):
        raise ImageError(f"the disk of {record.spec.name} is not mounted", hint="windlass start mounts it")
    if not (place / "upper").is_dir():
        raise ImageError(f"what {record.spec.name} has written is gone", hint="windlass up makes the container anew")
    return place / "upper"


def lower_directories(store: ImageStore, record: ContainerRecord) -> tuple[Path, ...]:
    """The layers that a container was made from, base first."""
    for diff_id in record.spec.layers:
        if store.layer_facts(diff_id) is None:
            raise ImageError(
                f"the image of {record.spec.name} is not here any more",
                hint=f"pull or build {record.spec.image_name} again",
            )
    return tuple(store.layer_directory(diff_id) for diff_id in record.spec.layers)


def _left_out(upper: int, image: int, record: ContainerRecord) -> frozenset[str]:
    """Empty files and directories that were made to be mounted on, and the directories on the way to them."""
    found: set[str] = set()
    targets = [resolved(image, op.target) for op in mount_plan(record.spec)]
    for target in sorted(targets, key=lambda path: -path.count("/")):
        status = status_at(upper, target)
        if status is None or status_at(image, target) is not None:
            continue
        is_empty_file = stat.S_ISREG(status.st_mode) and status.st_size == 0
        if is_empty_file or (stat.S_ISDIR(status.st_mode) and _holds_only(upper, target, found)):
            found.add(target)
    for parent in _parents(targets):
        ours, below = status_at(upper, parent), status_at(image, parent)
        if ours is None or not stat.S_ISDIR(ours.st_mode) or not _holds_only(upper, parent, found):
            continue
        if below is None or _same_directory(ours, below, record.state.first_id):
            found.add(parent)
    return frozenset(found)


def status_at(root: int, path: str) -> os.stat_result | None:
    """The status of what lies at a path, without following links; None when there is nothing, or a deleted file."""
    try:
        handle = openat2(root, path.lstrip("/"), os.O_PATH | os.O_NOFOLLOW, Resolve.BENEATH | Resolve.NO_SYMLINKS)
    except SyscallError:
        return None
    try:
        status = os.fstat(handle)
    finally:
        os.close(handle)
    return None if is_whiteout(status) else status


def resolved(root: int, path: str) -> str:
    """A path inside a root without the links on the way to it; what is missing there stays as it is."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    base = _place(root)
    for count in range(len(parts) - 1, 0, -1):
        with suppress(SyscallError):
            handle = openat2(root, "/".join(parts[:count]), os.O_PATH | os.O_DIRECTORY, _INSIDE)
            try:
                above = _place(handle).removeprefix(base)
            finally:
                os.close(handle)
            return "/".join((above, *parts[count:]))
    return f"/{'/'.join(parts)}"


def _place(handle: int) -> str:
    """Where an open directory is, as the kernel tells it; empty for a root."""
    return str(Path(f"/proc/self/fd/{handle}").readlink()).rstrip("/")


def _parents(targets: Iterable[str]) -> list[str]:
    """The directories on the way to targets, the deepest first."""
    found = {parent for target in targets for parent in _above(target)}
    return sorted(found, key=lambda path: -path.count("/"))


def _above(path: str) -> Iterator[str]:
    parts = path.strip("/").split("/")
    for count in range(1, len(parts)):
        yield f"/{'/'.join(parts[:count])}"


def _holds_only(root: int, path: str, names: set[str]) -> bool:
    try:
        handle = openat2(root, path.lstrip("/"), _DIRECTORY, _BELOW)
    except SyscallError:
        return False
    try:
        hides = OPAQUE_ATTRIBUTE in os.listxattr(handle)
        return not hides and all(f"{path}/{name}" in names for name in os.listdir(handle))
    finally:
        os.close(handle)


def _same_directory(ours: os.stat_result, below: os.stat_result, first_id: int) -> bool:
    owners = {(below.st_uid + first_id, below.st_gid + first_id)}
    return stat.S_IMODE(ours.st_mode) == stat.S_IMODE(below.st_mode) and (ours.st_uid, ours.st_gid) in owners
