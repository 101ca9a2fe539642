"""What a layer is on disk and in its stream, with what only root can make."""

import io
import os
import stat
import struct
import tarfile
from pathlib import Path

from engine.dockerfiles.uppers import make_layer_tree
from engine.dockerfiles.views import read_only_view, writable_view
from engine.images.serialisation import serialise

OPAQUE = "trusted.overlay.opaque"
CAPABILITY = "security.capability"
FIRST_ID = 700_000


def members(tree: Path) -> list[tuple[str, int, int, dict[str, str]]]:
    written = io.BytesIO()
    handle = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    try:
        serialise(handle, written.write)
    finally:
        os.close(handle)
    with tarfile.open(fileobj=io.BytesIO(written.getvalue())) as archive:
        return [(member.name, member.uid, member.gid, member.pax_headers) for member in archive]


def rewrite(upper: Path) -> bool:
    handle = os.open(upper, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return make_layer_tree(handle, FIRST_ID)
    finally:
        os.close(handle)


def test_deleted_files_and_hidden_directories_are_written_as_oci_wants_them(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.setxattr(tmp_path / "d", OPAQUE, b"y")
    os.mknod(tmp_path / "d" / "gone", stat.S_IFCHR, os.makedev(0, 0))
    (tmp_path / "f").write_text("x")
    os.setxattr(tmp_path / "f", "user.note", b"kept")
    os.setxattr(tmp_path / "f", "trusted.other", b"dropped")

    assert members(tmp_path) == [
        ("d", 0, 0, {}),
        ("d/.wh..wh..opq", 0, 0, {}),
        ("d/.wh.gone", 0, 0, {}),
        ("f", 0, 0, {"SCHILY.xattr.user.note": "kept"}),
    ]


def test_a_containers_writable_layer_becomes_a_layer(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("x")
    os.link(program, tmp_path / "other")
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to("program")
    for path in (tmp_path, program, tmp_path / "d", tmp_path / "link"):
        os.chown(path, FIRST_ID + 5, FIRST_ID + 6, follow_symlinks=False)
    program.chmod(0o6755)
    os.setxattr(program, CAPABILITY, struct.pack("<6I", 0x03000001, 0x400, 0, 0, 0, FIRST_ID))
    os.setxattr(tmp_path / "d", OPAQUE, b"y")
    os.setxattr(tmp_path / "d", "trusted.overlay.origin", b"somewhere")
    os.mknod(tmp_path / "gone", stat.S_IFCHR, os.makedev(0, 0))

    assert rewrite(tmp_path) is True

    assert (tmp_path.stat().st_uid, tmp_path.stat().st_gid) == (0, 0)
    for path in (program, tmp_path / "other", tmp_path / "d", tmp_path / "link"):
        assert (path.lstat().st_uid, path.lstat().st_gid) == (5, 6)
    assert stat.S_IMODE(program.stat().st_mode) == 0o6755
    assert os.getxattr(program, CAPABILITY) == struct.pack("<5I", 0x02000001, 0x400, 0, 0, 0)
    assert os.listxattr(tmp_path / "d") == [OPAQUE]
    assert stat.S_ISCHR((tmp_path / "gone").stat().st_mode)


def test_an_empty_writable_layer_is_none(tmp_path: Path) -> None:
    assert rewrite(tmp_path) is False


def test_layers_are_seen_as_one_file_system_that_is_mounted_nowhere(tmp_path: Path) -> None:
    base, middle, upper, work = (tmp_path / name for name in ("base", "middle", "upper", "work"))
    for directory in (base, middle, upper, work):
        directory.mkdir()
    (base / "kept").write_text("base")
    (base / "gone").write_text("base")
    os.mknod(middle / "gone", stat.S_IFCHR, os.makedev(0, 0))
    (middle / "new").write_text("middle")
    mounts = Path("/proc/self/mountinfo").read_text()

    with read_only_view((base, middle), tmp_path / "none") as view:
        assert sorted(os.listdir(f"/proc/self/fd/{view}")) == ["kept", "new"]
        assert Path("/proc/self/mountinfo").read_text() == mounts
    with writable_view((base, middle), upper, work) as view:
        os.unlink("kept", dir_fd=view)
        with os.fdopen(os.open("written", os.O_CREAT | os.O_WRONLY, dir_fd=view), "w") as file:
            file.write("upper")
    assert sorted(path.name for path in upper.iterdir()) == ["kept", "written"]
    assert stat.S_ISCHR((upper / "kept").stat().st_mode)
