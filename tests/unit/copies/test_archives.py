"""What is sent is what is received; what nobody sends is received as nothing that leads anywhere else."""

import contextlib
import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.copies import holes
from engine.copies.places import Wish
from engine.copies.receiving import Received, receive, receive_all
from engine.copies.removing import remove
from engine.copies.sending import Source, send
from engine.copies.settling import OUTSIDE, Owner, Rules
from engine.errors import CopyError, EngineError
from engine.images.tarstream import TarStream

MINE = OUTSIDE._replace(owner=Owner(os.getuid(), os.getgid()))


class Bytes:
    def __init__(self, content: bytes) -> None:
        self._rest = memoryview(content)

    def some(self, most: int) -> memoryview:
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece


def stream(content: bytes) -> TarStream:
    return TarStream(Bytes(content), lambda _piece: None)


def sent(path: Path, **details: object) -> bytes:
    written = bytearray()
    send(Source(str(path), str(path), **details), written.extend)  # type: ignore[arg-type] # details pass through
    return bytes(written)


def packed(*entries: tarfile.TarInfo) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(b"x" * entry.size))
    return written.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


def unpack(content: bytes, place: Path, rules: Rules = MINE) -> Received:
    return receive_all(stream(content), str(place), rules)


def test_a_tree_arrives_as_it_was(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "below" / "deep").mkdir(parents=True)
    (source / "below" / "file").write_bytes(b"content")
    os.link(source / "below" / "file", source / "second")
    (source / "link").symlink_to("../nowhere")
    (source / "large").write_bytes(bytes(range(256)) * 8192)
    os.utime(source / "below", ns=(0, 1_500_000_000_123_456_789))

    received = receive(stream(sent(source)), Wish("source", False, str(tmp_path / "target")), MINE)

    target = tmp_path / "target"
    assert received.entries == 6
    assert (target / "below" / "file").read_bytes() == b"content"
    assert (target / "second").samefile(target / "below" / "file")
    assert (target / "link").readlink() == Path("../nowhere")
    assert (target / "large").read_bytes() == (source / "large").read_bytes()
    assert (target / "below").stat().st_mtime_ns == 1_500_000_000_123_456_789
    assert sorted(os.listdir(target)) == ["below", "large", "link", "second"], "no draft is left"


def test_a_sparse_file_keeps_its_holes(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(64 << 20)
        file.write(b"middle")
        file.truncate(1 << 30)
    content = sent(tmp_path / "sparse", holes=True)
    assert len(content) < 1 << 20
    receive(stream(content), Wish("sparse", False, str(tmp_path / "copy")), MINE)
    copy = tmp_path / "copy"
    assert copy.stat().st_size == 1 << 30
    assert copy.stat().st_blocks < 1000
    with copy.open("rb") as file:
        assert file.read(5) == b"begin"
        file.seek(64 << 20)
        assert file.read(6) == b"middle"


@pytest.mark.parametrize("value", [b"", b"5", b"5 0", b"5 0 6", b"5 3 1 0 4", b"x 0 5", b"5 0 5 9 0", b"9" * 30])
def test_nonsense_about_holes_is_refused(value: bytes) -> None:
    with pytest.raises(CopyError):
        holes.parsed(value, 5)


def test_only_what_is_wanted_is_sent(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "left" / "below").mkdir(parents=True)
    content = sent(tmp_path, wanted=lambda below, _directory: not below.startswith("left"))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == [".", "./kept"]


def refused(content: bytes, place: Path) -> str:
    with pytest.raises(EngineError) as error:
        unpack(content, place)
    return error.value.message


def test_no_entry_leads_out_of_the_destination(tmp_path: Path) -> None:
    outside, place = tmp_path / "outside", tmp_path / "place"
    outside.mkdir()
    place.mkdir()
    (outside / "file").write_text("mine")
    (place / "way").symlink_to(outside)
    (place / "short").symlink_to(outside / "file")

    assert "leads elsewhere" in refused(packed(entry("../file")), place)
    assert "leads elsewhere" in refused(packed(entry("a/../../file")), place)
    assert "cannot copy below way" in refused(packed(entry("way/file", size=1)), place)
    assert "something else is there" in refused(packed(entry("way", tarfile.DIRTYPE)), place)
    assert "was not copied" in refused(packed(entry("gotten", tarfile.LNKTYPE, "way/file")), place)
    assert "was not copied" in refused(packed(entry("gotten", tarfile.LNKTYPE, "../outside/file")), place)
    assert "cannot copy below made" in refused(
        packed(entry("made", tarfile.SYMTYPE, str(outside)), entry("made/file", size=1)), place
    )
    unpack(packed(entry("short", size=3)), place)  # the link itself is replaced
    assert (outside / "file").read_text() == "mine"
    assert (place / "short").read_text() == "xxx"
    assert os.listdir(outside) == ["file"]


def test_an_absolute_name_counts_from_the_destination(tmp_path: Path) -> None:
    unpack(packed(entry("/etc/windlass-test", size=1)), tmp_path)
    assert (tmp_path / "etc" / "windlass-test").read_text() == "x"


def test_devices_are_left_out_and_said(tmp_path: Path) -> None:
    received = unpack(packed(entry("disk", tarfile.BLKTYPE), entry("fifo", tarfile.FIFOTYPE)), tmp_path)
    assert os.listdir(tmp_path) == ["fifo"]
    assert received.left_out == ("disk is a device, or something else that is not copied",)


def test_a_directory_gives_way_only_where_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "place" / "below").mkdir(parents=True)
    (tmp_path / "place" / "below" / "file").touch()
    assert "is a directory at the destination" in refused(packed(entry("place", size=1)), tmp_path)
    unpack(packed(entry("place", size=1)), tmp_path, MINE._replace(replace=True))
    assert (tmp_path / "place").read_text() == "x"
    unpack(packed(entry("place/", tarfile.DIRTYPE)), tmp_path, MINE._replace(replace=True))
    assert (tmp_path / "place").is_dir()


def test_what_stands_beside_the_copied_thing_is_refused(tmp_path: Path) -> None:
    for name in ("other", "../x", "..", "./../x"):
        content = packed(entry("./", tarfile.DIRTYPE), entry(name))
        with pytest.raises(EngineError):
            receive(stream(content), Wish("a", False, str(tmp_path / "new")), MINE)
    assert os.listdir(tmp_path) == ["new"]


def test_very_deep_directories_are_refused_not_followed(tmp_path: Path) -> None:
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    with pytest.raises(CopyError, match="more than 250 deep"):
        sent(tmp_path)
    parent = os.open(tmp_path, os.O_RDONLY)
    remove(parent, b"d")
    os.close(parent)
    assert os.listdir(tmp_path) == []


NAMES = st.text("ab./", min_size=1, max_size=8)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])


@given(st.lists(st.builds(entry, NAMES, KINDS, NAMES, st.integers(0, 3)), max_size=8))
def test_no_archive_at_all_changes_anything_outside(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tarfile.TarInfo]
) -> None:
    top = tmp_path_factory.mktemp("top")
    place = top / "place"
    place.mkdir()
    (top / "canary").write_text("mine")
    for made in entries:
        if made.type != tarfile.REGTYPE:
            made.size = 0
    with contextlib.suppress(EngineError):
        unpack(packed(*entries), place)
    assert sorted(os.listdir(top)) == ["canary", "place"]
    assert (top / "canary").read_text() == "mine"


def test_sockets_are_left_out_and_what_vanishes_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
    written = bytearray()
    told = send(Source(".", "."), written.extend)
    assert told == ("./socket is a socket",)
