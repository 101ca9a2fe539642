"""Writable layers are copied as they are."""

import os
import stat
import struct
from pathlib import Path

import pytest

from engine.dockerfiles.uppers import make_layer_tree
from engine.errors import ImageError
from engine.versions.duplicates import duplicate

FIRST_ID = 1_000_000
CAPABILITY = struct.pack("<6I", 0x03000001, 0x400, 0, 0, 0, FIRST_ID)


@pytest.fixture
def upper(tmp_path: Path) -> Path:
    """What a container may have written."""
    upper = tmp_path / "upper"
    (upper / "srv" / "deep").mkdir(parents=True)
    (upper / "srv" / "file").write_bytes(b"x" * 3)
    os.link(upper / "srv" / "file", upper / "srv" / "deep" / "again")
    (upper / "srv" / "link").symlink_to("/etc")
    os.mkfifo(upper / "srv" / "fifo")
    os.mknod(upper / "gone", stat.S_IFCHR, 0)
    for path in (upper, *upper.rglob("*")):
        if path.name != "gone":
            os.chown(path, FIRST_ID + 5, FIRST_ID + 6, follow_symlinks=False)
    with (upper / "sparse").open("wb") as file:
        file.seek(50 << 20)
        file.write(b"end")
    (upper / "tool").touch()
    os.chown(upper / "tool", FIRST_ID, FIRST_ID)
    (upper / "tool").chmod(0o6755)
    os.setxattr(upper / "tool", "security.capability", CAPABILITY)
    os.setxattr(upper / "srv" / "deep", "trusted.overlay.opaque", b"y")
    os.setxattr(upper / "srv" / "deep", "trusted.overlay.impure", b"y")
    os.setxattr(upper / "srv" / "file", "user.note", b"hi")
    (upper / "left").mkdir()
    (upper / "left" / "out").touch()
    os.mknod(upper / "socket", stat.S_IFSOCK | 0o600)
    os.utime(upper / "srv", (1, 2))
    return upper


def copied(source: Path, target: Path, left_out: frozenset[str] = frozenset()) -> None:
    target.mkdir()
    handles = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in (source, target)]
    try:
        duplicate(handles[0], handles[1], left_out)
        make_layer_tree(handles[1], FIRST_ID)
    finally:
        for handle in handles:
            os.close(handle)


def test_a_copy_becomes_a_layer_with_the_ids_inside(upper: Path, tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    copied(upper, layer, frozenset({"/left/out"}))

    names = sorted(str(path.relative_to(layer)) for path in layer.rglob("*"))
    assert names == [
        "gone", "left", "sparse", "srv", "srv/deep", "srv/deep/again", "srv/fifo", "srv/file", "srv/link", "tool",
    ]  # fmt: skip
    file = (layer / "srv" / "file").stat()
    assert (file.st_uid, file.st_gid, file.st_nlink) == (5, 6, 2)
    assert (layer / "srv" / "deep" / "again").samefile(layer / "srv" / "file")
    assert (layer / "srv" / "link").readlink() == Path("/etc")
    assert os.lstat(layer / "srv" / "link").st_uid == 5
    assert stat.S_ISFIFO((layer / "srv" / "fifo").stat().st_mode)
    assert (layer / "gone").stat().st_rdev == 0
    assert stat.S_ISCHR((layer / "gone").stat().st_mode)
    assert (layer / "sparse").stat().st_size == (50 << 20) + 3
    assert (layer / "sparse").stat().st_blocks < 1000
    assert (layer / "sparse").read_bytes()[-3:] == b"end"
    assert (layer / "tool").stat().st_mode & 0o7777 == 0o6755
    assert os.getxattr(layer / "tool", "security.capability") == struct.pack("<5I", 0x02000001, 0x400, 0, 0, 0)
    assert os.listxattr(layer / "srv" / "deep") == ["trusted.overlay.opaque"]
    assert os.getxattr(layer / "srv" / "file", "user.note") == b"hi"
    assert (layer / "srv").stat().st_mtime == 2
    assert (upper / "srv" / "file").stat().st_uid == FIRST_ID + 5, "the container's own files stay as they are"


def test_what_is_too_deep_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep"
    path.mkdir()
    below = os.open(path, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("d", dir_fd=below)
        next_below = os.open("d", os.O_RDONLY, dir_fd=below)
        os.close(below)
        below = next_below
    os.close(below)
    with pytest.raises(ImageError, match="directories more than 300 deep"):
        copied(path, tmp_path / "copy")
