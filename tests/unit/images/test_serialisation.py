import io
import os
import tarfile
from pathlib import Path

from engine.images.serialisation import digest_tree, serialise


def stream_of(tree: Path) -> bytes:
    written = io.BytesIO()
    handle = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    try:
        serialise(handle, written.write)
    finally:
        os.close(handle)
    return written.getvalue()


def digest_of(tree: Path) -> str:
    handle = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return digest_tree(handle)[0]
    finally:
        os.close(handle)


def make_tree(tree: Path, order: tuple[str, ...] = ("b", "a", "c")) -> Path:
    tree.mkdir()
    for name in order:
        (tree / name).write_text(f"this is {name}")
    (tree / "directory").mkdir()
    (tree / "directory" / ("long" * 40)).write_bytes(b"x" * 513)
    (tree / "directory" / "link").symlink_to("../a")
    os.link(tree / "a", tree / "directory" / "hard")
    os.mkfifo(tree / "fifo")
    for path in (tree, *tree.rglob("*")):
        os.utime(path, (1_000_000, 1_000_000), follow_symlinks=False)
    return tree


def test_an_ordinary_tar_reader_understands_the_stream(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(stream_of(make_tree(tmp_path / "tree")))) as archive:
        members = [(member.name, member.type, member.size, member.linkname, member.mtime) for member in archive]
        content = archive.extractfile("directory/" + "long" * 40)
        assert content is not None
        assert content.read() == b"x" * 513

    assert members == [
        ("a", b"0", 9, "", 1_000_000),
        ("b", b"0", 9, "", 1_000_000),
        ("c", b"0", 9, "", 1_000_000),
        ("directory", b"5", 0, "", 1_000_000),
        ("directory/hard", b"1", 0, "a", 1_000_000),
        ("directory/link", b"2", 0, "../a", 1_000_000),
        ("directory/" + "long" * 40, b"0", 513, "", 1_000_000),
        ("fifo", b"6", 0, "", 1_000_000),
    ]


def test_the_same_tree_gives_the_same_digest_in_whatever_order_it_was_made(tmp_path: Path) -> None:
    one = digest_of(make_tree(tmp_path / "one"))
    two = digest_of(make_tree(tmp_path / "two", order=("c", "b", "a")))

    assert one == two


def test_a_changed_mode_changes_the_digest(tmp_path: Path) -> None:
    one = digest_of(make_tree(tmp_path / "one"))
    two = make_tree(tmp_path / "two")
    (two / "a").chmod(0o600)

    assert digest_of(two) != one


def test_reading_a_tree_finds_what_decides_how_it_may_run(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    (tree / "sudo").write_bytes(b"\x7fELF\x02 and so on")
    (tree / "sudo").chmod(0o4755)
    (tree / "old").write_bytes(b"\x7fELF\x01 and so on")
    handle = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _, facts = digest_tree(handle)
    finally:
        os.close(handle)

    assert facts.size_bytes == 9 * 3 + 513 + 15 * 2
    assert facts.entries == 10
    assert facts.privileged_files is True
    assert facts.elf32 is True
    assert facts.highest_id == max(os.getuid(), os.getgid())
