"""Layers that mean harm end as they should, and nothing outside of them is ever touched."""

import gzip
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import ImageError
from engine.images.jail import Jail
from engine.images.layer_archives import add_archive, write_archive
from engine.images.store import ImageStore
from tests.canary import Canary
from tests.hostile_layers import GROUPS, Hostile


@pytest.fixture
def canary() -> Iterator[Canary]:
    """What lies around the store, in memory for speed; its whole listing is the same before and after."""
    with tempfile.TemporaryDirectory(prefix="wl-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as around:
        made = Canary(Path(around))
        yield made
        made.check()


@pytest.fixture
def store(canary: Canary) -> ImageStore:
    return ImageStore(canary.inside / "images", canary.inside / "cache")


def added(store: ImageStore, packed: bytes, jail: Jail) -> str:
    handle = os.memfd_create("blob")
    try:
        os.write(handle, packed)
        return add_archive(store, handle, jail=jail)[0]
    finally:
        os.close(handle)


def listed(tree: Path) -> tuple[str, ...]:
    """One line for everything below a directory, as tests.hostile_layers.Hostile says."""
    lines: list[tuple[str, str]] = []
    for folder, folders, files, handle in os.fwalk(tree):
        above = os.path.relpath(folder, tree)
        for name in (*folders, *files):
            path = name if above == "." else f"{above}/{name}"
            lines.append((path, _line(handle, name, path)))
    return tuple(line for _, line in sorted(lines, key=lambda found: found[0].split("/")))


def _line(folder: int, name: str, path: str) -> str:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    line = f"{stat.filemode(found.st_mode)[0]}{stat.S_IMODE(found.st_mode):04o}"
    if (found.st_uid, found.st_gid) != (0, 0):
        line += f" {found.st_uid}:{found.st_gid}"
    line += f" {path}"
    if stat.S_ISLNK(found.st_mode):
        return f"{line} -> {os.readlink(name, dir_fd=folder)}"
    if stat.S_ISCHR(found.st_mode):
        return f"{line} {os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK, dir_fd=folder)
    try:
        if stat.S_ISREG(found.st_mode):
            line += f" {os.pread(handle, 99, 0).decode()!r}"
        return " ".join([line, *(os.getxattr(handle, attribute).hex() for attribute in os.listxattr(handle))])
    finally:
        os.close(handle)


@pytest.mark.parametrize("group", GROUPS)
def test_hostile_layers_end_as_they_should(group: str, store: ImageStore) -> None:
    with Jail(store.cache) as jail:
        for case, hostile in GROUPS[group].items():
            try:
                check(hostile, store, jail)
            except BaseException as error:
                error.add_note(f"this is {case!r}")
                raise


def check(hostile: Hostile, store: ImageStore, jail: Jail) -> None:
    packed = gzip.compress(hostile.archive)
    layers = list((store.root / "layers").glob("*"))
    if hostile.refused:
        with pytest.raises(ImageError, match=hostile.refused) as refusal:
            added(store, packed, jail)
        assert refusal.value.message.isprintable()
        assert list((store.root / "layers").glob("*")) == layers
        return
    diff_id = added(store, packed, jail)
    assert listed(store.layer_directory(diff_id)) == hostile.tree
    pieces: list[bytes] = []
    write_archive(store, diff_id, lambda piece: pieces.append(bytes(piece)))
    assert b"".join(pieces) == hostile.archive
