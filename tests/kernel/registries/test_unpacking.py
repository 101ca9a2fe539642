"""What becomes of a layer's archive, friendly or not. Nothing is ever written outside of it."""

import gzip
import io
import os
import shutil
import stat
import struct
import tarfile
from pathlib import Path

import pytest

from engine.errors import ImageError
from engine.images.model import LayerFacts
from engine.images.unpacking import unpack
from tests.registry import archive, digest_of, entry, file

LINK, HARD, DIRECTORY = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
OPAQUE = "trusted.overlay.opaque"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "outside").write_text("canary")
    (tmp_path / "home").mkdir()
    return tmp_path / "home" / "tree"


def unpacked(packed: bytes, tree: Path) -> tuple[str, LayerFacts]:
    home = tree.parent
    shutil.rmtree(home)
    home.mkdir()
    blob = home.parent / "blob"
    blob.write_bytes(packed)
    handles = [os.open(blob, os.O_RDONLY), os.open(home, os.O_RDONLY | os.O_DIRECTORY)]
    try:
        return unpack(*handles)
    finally:
        for handle in handles:
            os.close(handle)
        assert (home.parent / "outside").read_text() == "canary"
        assert sorted(path.name for path in home.parent.iterdir()) == ["blob", "home", "outside"]
        assert {path.name for path in home.iterdir()} <= {"recipe", "replaced", "tree"}


def owned(name: str, uid: int, gid: int, mode: int, mtime: float) -> tuple[tarfile.TarInfo, bytes]:
    info, content = file(name, b"x", mode)
    info.uid, info.gid, info.mtime = uid, gid, mtime  # type: ignore[assignment]
    return info, content


def test_files_keep_owner_mode_and_time(tree: Path) -> None:
    content = archive(owned("su", 5, 6, 0o4755, 12.5))
    diff_id, facts = unpacked(gzip.compress(content), tree)
    found = (tree / "su").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), found.st_mtime) == (5, 6, 0o4755, 12.5)
    assert diff_id == digest_of(content)
    assert facts == LayerFacts(size_bytes=1, entries=1, highest_id=6, privileged_files=True)


def test_links_directories_and_pipes_are_made(tree: Path) -> None:
    content = archive(
        entry("d", DIRECTORY, mode=0o1777),
        file("d/a", b"a"),
        entry("d/b", HARD, "d/a"),
        entry("d/c", LINK, "/etc/passwd"),
        entry("d/p", tarfile.FIFOTYPE, mode=0o620),
    )
    unpacked(content, tree)
    assert stat.S_IMODE((tree / "d").stat().st_mode) == 0o1777
    assert (tree / "d" / "a").samefile(tree / "d" / "b")
    assert (tree / "d" / "c").readlink() == Path("/etc/passwd")
    assert stat.S_ISFIFO((tree / "d" / "p").stat().st_mode)
    assert stat.S_IMODE((tree / "d" / "p").stat().st_mode) == 0o620


def test_deleted_files_become_what_overlayfs_knows(tree: Path) -> None:
    unpacked(archive(file("etc/.wh.gone"), file("var/.wh..wh..opq"), file(".wh..wh.plnk/1.2", b"x")), tree)
    gone = (tree / "etc" / "gone").stat()
    assert (stat.S_ISCHR(gone.st_mode), gone.st_rdev) == (True, 0)
    assert os.getxattr(tree / "var", OPAQUE) == b"y"
    assert sorted(os.listdir(tree)) == ["etc", "var"]


def test_a_directory_that_was_deleted_and_made_again_hides_the_old_one(tree: Path) -> None:
    made_again = (file(".wh.d"), entry("d", DIRECTORY), file(".wh.e"), file("e/f", b"x"))
    unpacked(archive(*made_again, file("g/f"), file(".wh.g")), tree)
    for name in ("d", "e", "g"):
        assert os.getxattr(tree / name, OPAQUE) == b"y"
    assert (tree / "g" / "f").exists()


def test_capabilities_lose_their_user_namespace_and_foreign_attributes_are_dropped(tree: Path) -> None:
    info, content = file("ping", b"x")
    value = struct.pack("<6I", 0x03000001, 0x400, 0, 0, 0, 1000)
    info.pax_headers = {
        "SCHILY.xattr.security.capability": value.decode("utf-8", "surrogateescape"),
        "SCHILY.xattr.trusted.overlay.redirect": "/etc",
        "SCHILY.xattr.user.overlay.opaque": "y",
        "SCHILY.xattr.user.note": "kept",
    }
    _, facts = unpacked(archive((info, content)), tree)
    assert sorted(os.listxattr(tree / "ping")) == ["security.capability", "user.note"]
    assert os.getxattr(tree / "ping", "security.capability") == struct.pack("<5I", 0x02000001, 0x400, 0, 0, 0)
    assert facts.privileged_files


def test_devices_are_left_out(tree: Path) -> None:
    device = entry("sda", tarfile.BLKTYPE)
    device.devmajor, device.devminor = 8, 0
    unpacked(archive(device, entry("null", tarfile.CHRTYPE), file("kept")), tree)
    assert os.listdir(tree) == ["kept"]


def test_a_later_entry_replaces_an_earlier_one_of_any_kind(tree: Path) -> None:
    unpacked(
        archive(
            file("a/deep/er", b"1"),
            file("a", b"2"),
            entry("b", LINK, "/etc"),
            entry("b", DIRECTORY),
            file("b/passwd", b"3"),
            file("c", b"4"),
            entry("c", LINK, "/etc/passwd"),
            file("c", b"5"),
        ),
        tree,
    )
    assert (tree / "a").read_text() == "2"
    assert (tree / "b" / "passwd").read_text() == "3"
    assert (tree / "c").read_text() == "5"
    assert not (tree / "c").is_symlink()


def test_an_absolute_name_is_taken_below_the_layer(tree: Path) -> None:
    unpacked(archive(file("//outside", b"x"), file("./in/./side", b"y")), tree)
    assert (tree / "outside").read_text() == "x"
    assert (tree / "in" / "side").read_text() == "y"


def test_strange_names_are_names(tree: Path) -> None:
    unpacked(archive(file("new\nline", b"1"), file("n" * 255, b"2"), file("\udcff", b"3")), tree)
    assert (tree / "new\nline").read_text() == "1"
    assert (tree / ("n" * 255)).read_text() == "2"
    assert (tree / "\udcff").read_text() == "3"


HOSTILE = {
    "a name that leads out": ((file("../outside"),), "leads out of the layer"),
    "a name that leads out later": ((file("a/../../outside"),), "leads out of the layer"),
    "a file below a link": ((entry("l", LINK, ".."), file("l/outside", b"x")), "which is no directory"),
    "a file below a link to the root": ((entry("l", LINK, "/"), file("l/tmp/x", b"x")), "which is no directory"),
    "a file below links in a circle": ((entry("a", LINK, "b"), entry("b", LINK, "a"), file("a/x")), "no directory"),
    "a file below a file": ((file("f"), file("f/x")), "which is no directory"),
    "a file below a pipe": ((entry("p", tarfile.FIFOTYPE), file("p/x")), "which is no directory"),
    "another name of a file outside": ((entry("h", HARD, "../outside"),), "leads out of the layer"),
    "another name through a link": ((entry("l", LINK, ".."), entry("h", HARD, "l/outside")), "which the layer lacks"),
    "another name of nothing": ((entry("h", HARD, "nothing"),), "which the layer lacks"),
    "another name of a directory": ((entry("d", DIRECTORY), entry("h", HARD, "d")), "which the layer lacks"),
    "another name of what was deleted": ((file(".wh.x"), entry("h", HARD, "x")), "which the layer lacks"),
    "another name of what goes with it": ((file("d/f", b"x"), entry("d", HARD, "d/f")), "which the layer lacks"),
    "another name of something replaced": (
        (file("f"), entry("f", DIRECTORY), entry("h", HARD, "f")),
        "which the layer lacks",
    ),
    "a deleted nothing": ((file(".wh."),), "marks no file"),
    "a deleted directory itself": ((file("d/.wh.."),), "marks no file"),
    "a deleted parent": ((file("d/.wh..."),), "marks no file"),
    "a file below a deleted one": ((file(".wh.d/x"),), "marks a deleted file"),
    "all layers below hidden": ((file(".wh..wh..opq"),), "hides all layers below"),
    "a name of 256 bytes": ((file("n" * 256),), "File name too long"),
    "a name of 5000 bytes": ((file("n/" * 2500),), "a name that no file can have"),
    "directories too deep": ((file("n/" * 600 + "x"),), "more than 500 deep"),
    "a link to nothing": ((entry("l", LINK, ""),), "cannot be written"),
    "a file in place of the root": ((file("."),), "is no name for a file"),
    "an unknown kind": ((entry("x", b"Z"),), "of a kind that layers do not have"),
    "a sparse file": ((entry("s", b"S"),), "sparse file"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives_are_refused(case: str, tree: Path) -> None:
    members, said = HOSTILE[case]
    with pytest.raises(ImageError, match=said):
        unpacked(gzip.compress(archive(*members)), tree)


def test_an_owner_whom_nobody_can_be_is_refused(tree: Path) -> None:
    with pytest.raises(ImageError, match="which nobody can be"):
        unpacked(archive(owned("f", 2**32 - 1, 0, 0o644, 0)), tree)


def header(**fields: bytes) -> bytes:
    """A raw header block with fields of our own, and a right checksum."""
    info = tarfile.TarInfo("f")
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT)[:512])
    places = {"size": 124, "mode": 100, "uid": 108, "mtime": 136, "kind": 156, "name": 0}
    for name, value in fields.items():
        block[places[name] : places[name] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x" * 512, "checksum is wrong|checksum is no number"),
        (header()[:300], "ends in the middle"),
        (header(size=b"00000001000\0") + b"x" * 100, "ends in the middle"),
        (header(size=b"\xff" * 12), "negative size"),
        (header(size=b"zzzzzzzzzzz\0"), "size is no number"),
        (header(kind=b"x", size=b"10000000000\0"), "headers of"),
        (header(kind=b"L", size=b"10000000000\0"), "headers of"),
        (header(kind=b"x", size=b"00000000012\0") + b"99 path=x\n".ljust(512, b"\0"), "damaged pax header"),
        (header(kind=b"x", size=b"00000000012\0") + b"10 pathxx\n".ljust(512, b"\0"), "damaged pax header"),
        (header(kind=b"3", size=b"00000001000\0"), "content where there can be none"),
        (header(uid=b"\xff" * 8), "negative uid"),
    ],
)
def test_damaged_headers_are_refused(content: bytes, said: str, tree: Path) -> None:
    with pytest.raises(ImageError, match=said):
        unpacked(content, tree)


def test_times_out_of_any_range_are_cut(tree: Path) -> None:
    unpacked(header(mtime=b"\x80" + b"\xff" * 11) + header(name=b"g", mtime=b"\xff" * 12), tree)
    assert (tree / "f").stat().st_mtime == 2**33
    assert (tree / "g").stat().st_mtime == -1


def test_gnu_long_names_are_read(tree: Path) -> None:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(file("d/" + "n" * 200)[0])
        tar.addfile(entry("l", LINK, "t" * 200))
    unpacked(written.getvalue(), tree)
    assert os.listdir(tree / "d") == ["n" * 200]
    assert (tree / "l").readlink() == Path("t" * 200)


def test_several_gzip_members_are_one_archive_and_a_cut_one_is_none(tree: Path) -> None:
    content = archive(file("a", b"x" * 5000))
    packed = gzip.compress(content[:700]) + gzip.compress(content[700:])
    assert unpacked(packed, tree)[0] == digest_of(content)
    with pytest.raises(ImageError, match="ends too early"):
        unpacked(packed[:-20], tree)
    with pytest.raises(ImageError, match="damaged"):
        unpacked(packed + b"garbage", tree)


def test_a_bomb_is_stopped(tree: Path) -> None:
    written = io.BytesIO()
    with gzip.open(written, "wb", compresslevel=1) as packed:
        packed.write(header(size=b"01000000000\0"))
        for _ in range(128):
            packed.write(bytes(1 << 20))
    with pytest.raises(ImageError, match="200 times its packed size"):
        unpacked(written.getvalue(), tree)
