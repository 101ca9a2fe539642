"""Compares two images file by file: what was added, changed or deleted, and in what way.

Only what the layers speak of that they do not share is looked at.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Literal, NamedTuple

from engine.dockerfiles.views import read_only_view
from engine.images.model import Image
from engine.images.serialisation import OPAQUE_ATTRIBUTE, is_kept_attribute, is_whiteout
from engine.images.store import ImageStore

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW
_PIECE = 1 << 20
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFSOCK: "socket",
}


class Difference(NamedTuple):
    """One path that the images have in different forms; `reasons` say what has changed. Sizes are those of files."""

    kind: Literal["A", "C", "D"]
    path: str
    size_before: int = 0
    size_after: int = 0
    reasons: tuple[str, ...] = ()


class _Side(NamedTuple):
    """An entry of a directory of one image."""

    directory: int
    name: str
    status: os.stat_result


def differences(store: ImageStore, before: Image, after: Image) -> Iterator[Difference]:
    """The differences, by path; times alone make none."""
    shared = 0
    for ours, theirs in zip(before.layers, after.layers, strict=False):
        if ours != theirs:
            break
        shared += 1
    layers = dict.fromkeys((*before.layers[shared:], *after.layers[shared:]))
    with ExitStack() as stack:
        aside = stack.enter_context(store.workspace())
        views = [
            stack.enter_context(read_only_view(store.layer_directories(image), aside)) for image in (before, after)
        ]
        tops = []
        for layer in layers:
            tops.append(os.open(store.layer_directory(layer), _DIRECTORY))
            stack.callback(os.close, tops[-1])
        yield from _directories(views[0], views[1], tops, "")


def _directories(
    before: int | None, after: int | None, tops: Sequence[int] | None, prefix: str
) -> Iterator[Difference]:
    """What differs between two directories, either of which may be missing.

    `tops` are the layers' own parts of them that may differ; None: everything may.
    """
    if tops is not None and any(_is_opaque(top) for top in tops):
        tops = None
    spoken = (before, after) if tops is None else tops
    names = {name for directory in spoken if directory is not None for name in os.listdir(directory)}
    for name in sorted(names):
        path = f"{prefix}/{name}"
        ours, theirs = _side(before, name), _side(after, name)
        yield from _entries(ours, theirs, path)
        yield from _inside(ours, theirs, tops, name, path)


def _inside(
    ours: _Side | None, theirs: _Side | None, tops: Sequence[int] | None, name: str, path: str
) -> Iterator[Difference]:
    """What differs in what may be a directory on one side, or on both."""
    sides = [side if side and stat.S_ISDIR(side.status.st_mode) else None for side in (ours, theirs)]
    if sides == [None, None]:
        return
    with ExitStack() as stack:

        def opened(directory: int) -> int:
            handle = os.open(name, _DIRECTORY, dir_fd=directory)
            stack.callback(os.close, handle)
            return handle

        before, after = (opened(side.directory) if side else None for side in sides)
        whole = tops is None or before is None or after is None
        parts = None if whole else [opened(top) for top in tops or () if _is_directory(top, name)]
        if parts is None or parts:
            yield from _directories(before, after, parts, path)


def _entries(ours: _Side | None, theirs: _Side | None, path: str) -> Iterator[Difference]:
    if ours is None and theirs is None:
        return
    if ours is None and theirs is not None:
        yield Difference("A", path, 0, _size(theirs), (_KINDS[stat.S_IFMT(theirs.status.st_mode)],))
    elif ours is not None and theirs is None:
        yield Difference("D", path, _size(ours), 0, (_KINDS[stat.S_IFMT(ours.status.st_mode)],))
    elif ours is not None and theirs is not None and not _is_same_file(ours.status, theirs.status):
        reasons = tuple(_reasons(ours, theirs))
        if reasons:
            yield Difference("C", path, _size(ours), _size(theirs), reasons)


def _is_same_file(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether both are one file of one layer: overlayfs shows the numbers of those that it looks through to."""
    fields = ("st_ino", "st_mode", "st_size", "st_mtime_ns", "st_ctime_ns")
    return not stat.S_ISDIR(one.st_mode) and all(getattr(one, field) == getattr(other, field) for field in fields)


def _reasons(ours: _Side, theirs: _Side) -> Iterator[str]:
    before, after = ours.status, theirs.status
    kinds = _KINDS[stat.S_IFMT(before.st_mode)], _KINDS[stat.S_IFMT(after.st_mode)]
    if kinds[0] != kinds[1]:
        yield f"{kinds[0]} -> {kinds[1]}"
        return
    if stat.S_ISREG(after.st_mode) and _content_differs(ours, theirs):
        yield "content"
    if stat.S_ISLNK(after.st_mode):
        targets = [os.readlink(side.name, dir_fd=side.directory) for side in (ours, theirs)]
        if targets[0] != targets[1]:
            yield f"target {targets[0]} -> {targets[1]}"
    elif stat.S_IMODE(before.st_mode) != stat.S_IMODE(after.st_mode):
        yield f"mode {stat.S_IMODE(before.st_mode):04o} -> {stat.S_IMODE(after.st_mode):04o}"
    if (before.st_uid, before.st_gid) != (after.st_uid, after.st_gid):
        yield f"owner {before.st_uid}:{before.st_gid} -> {after.st_uid}:{after.st_gid}"
    if stat.S_ISREG(after.st_mode) or stat.S_ISDIR(after.st_mode):
        names = sorted(
            name for name, value in _attributes(ours).items() ^ _attributes(theirs).items() for _ in (value,)
        )
        if names:
            yield f"attributes {', '.join(dict.fromkeys(names))}"


def _content_differs(ours: _Side, theirs: _Side) -> bool:
    if ours.status.st_size != theirs.status.st_size:
        return True
    with ExitStack() as stack:
        files = []
        for side in (ours, theirs):
            files.append(os.open(side.name, _FILE, dir_fd=side.directory))
            stack.callback(os.close, files[-1])
        while True:
            pieces = [os.read(file, _PIECE) for file in files]
            if pieces[0] != pieces[1]:
                return True
            if not pieces[0]:
                return False


def _attributes(side: _Side) -> dict[str, bytes]:
    handle = os.open(side.name, _FILE | os.O_NONBLOCK, dir_fd=side.directory)
    try:
        return {name: os.getxattr(handle, name) for name in os.listxattr(handle) if is_kept_attribute(name)}
    finally:
        os.close(handle)


def _side(directory: int | None, name: str) -> _Side | None:
    if directory is None:
        return None
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return None if is_whiteout(status) else _Side(directory, name, status)


def _is_directory(directory: int, name: str) -> bool:
    side = _side(directory, name)
    return side is not None and stat.S_ISDIR(side.status.st_mode)


def _is_opaque(directory: int) -> bool:
    return OPAQUE_ATTRIBUTE in os.listxattr(directory)


def _size(side: _Side) -> int:
    return side.status.st_size if stat.S_ISREG(side.status.st_mode) else 0
