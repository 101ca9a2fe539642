"""Tells what a container has changed in its image's files, as `docker diff` does."""

import os
import stat
from collections.abc import Iterator
from typing import Literal, NamedTuple

from engine.images.serialisation import OPAQUE_ATTRIBUTE, is_whiteout
from engine.versions.writable import Opened

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
Kind = Literal["A", "C", "D"]


class Change(NamedTuple):
    """One path: added, changed or deleted."""

    kind: Kind
    path: str


def changes(container: Opened) -> tuple[Change, ...]:
    """All changes, by path; a directory counts as changed when something in it was. Of a deleted one, itself alone."""
    return tuple(sorted(_below(container.upper, container.image, "", container.left_out), key=lambda each: each.path))


def _below(upper: int, image: int | None, prefix: str, left_out: frozenset[str]) -> Iterator[Change]:
    names = os.listdir(upper)
    if image is not None and _is_opaque(upper):
        yield from (Change("D", f"{prefix}/{name}") for name in os.listdir(image) if name not in set(names))
    for name in names:
        path = f"{prefix}/{name}"
        if path in left_out:
            continue
        status = os.stat(name, dir_fd=upper, follow_symlinks=False)
        before = _status(image, name)
        if is_whiteout(status):
            if before is not None:
                yield Change("D", path)
            continue
        yield Change("A" if before is None else "C", path)
        if stat.S_ISDIR(status.st_mode):
            yield from _in_directory(upper, image, name, path, left_out, there=before)


def _in_directory(
    upper: int, image: int | None, name: str, path: str, left_out: frozenset[str], there: os.stat_result | None
) -> Iterator[Change]:
    child = os.open(name, _DIRECTORY, dir_fd=upper)
    try:
        if there is None or image is None or not stat.S_ISDIR(there.st_mode):
            yield from _below(child, None, path, left_out)
            return
        before = os.open(name, _DIRECTORY, dir_fd=image)
        try:
            yield from _below(child, before, path, left_out)
        finally:
            os.close(before)
    finally:
        os.close(child)


def _is_opaque(directory: int) -> bool:
    return OPAQUE_ATTRIBUTE in os.listxattr(directory)


def _status(directory: int | None, name: str) -> os.stat_result | None:
    if directory is None:
        return None
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
