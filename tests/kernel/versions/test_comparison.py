"""What tells two images apart, with real overlays."""

import os
import stat
from pathlib import Path

from engine.images.model import Image
from engine.versions.comparison import Difference, differences
from tests.kernel.versions.conftest import Shelf


def base(tree: Path) -> None:
    for name, content in {
        "etc/conf": "one",
        "etc/same": "same",
        "bin/tool": "tool",
        "old/a": "a",
        "old/b/c": "c",
    }.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tree / "link").symlink_to("etc")


def top(tree: Path) -> None:
    (tree / "etc").mkdir()
    (tree / "etc" / "conf").write_text("two!")
    (tree / "etc" / "same").write_text("same")
    (tree / "bin").mkdir()
    (tree / "bin" / "tool").write_text("tool")
    (tree / "bin" / "tool").chmod(0o4755)
    os.chown(tree / "bin" / "tool", 7, 8)
    (tree / "bin" / "tool").chmod(0o4755)
    (tree / "link").symlink_to("bin")
    (tree / "new").mkdir()
    (tree / "new" / "file").write_text("12345")
    os.mknod(tree / "old", stat.S_IFCHR | 0o600, 0)


EXPECTED = [
    Difference("C", "/bin/tool", 4, 4, ("mode 0644 -> 4755", "owner 0:0 -> 7:8")),
    Difference("C", "/etc/conf", 3, 4, ("content",)),
    Difference("C", "/link", 0, 0, ("target etc -> bin",)),
    Difference("A", "/new", 0, 0, ("directory",)),
    Difference("A", "/new/file", 0, 5, ("file",)),
    Difference("D", "/old", 0, 0, ("directory",)),
    Difference("D", "/old/a", 1, 0, ("file",)),
    Difference("D", "/old/b", 0, 0, ("directory",)),
    Difference("D", "/old/b/c", 1, 0, ("file",)),
]


def found(shelf: Shelf, before: Image, after: Image) -> list[Difference]:
    return list(differences(shelf.store, before, after))


def test_files_that_a_layer_adds_changes_and_deletes(shelf: Shelf) -> None:
    below = shelf.layer(base)
    assert found(shelf, shelf.image(below), shelf.image(below, top)) == EXPECTED
    assert found(shelf, shelf.image(below, top), shelf.image(below, top)) == []
    assert found(shelf, shelf.image(below), shelf.image()) == [
        Difference("D", each.path, each.size_after, 0, each.reasons)
        for each in found(shelf, shelf.image(), shelf.image(below))
    ]


def test_a_change_the_other_way_round_is_the_mirror_image(shelf: Shelf) -> None:
    below = shelf.layer(base)
    kinds = {(each.kind, each.path) for each in found(shelf, shelf.image(below, top), shelf.image(below))}
    assert kinds == {({"A": "D", "D": "A"}.get(each.kind, "C"), each.path) for each in EXPECTED}


def test_a_directory_that_hides_what_is_below_it_deletes_that(shelf: Shelf) -> None:
    def hide(tree: Path) -> None:
        (tree / "old").mkdir()
        (tree / "old" / "z").write_text("z")
        os.setxattr(tree / "old", "trusted.overlay.opaque", b"y")

    below = shelf.layer(base)
    assert [(each.kind, each.path) for each in found(shelf, shelf.image(below), shelf.image(below, hide))] == [
        ("D", "/old/a"),
        ("D", "/old/b"),
        ("D", "/old/b/c"),
        ("A", "/old/z"),
    ]


def test_a_file_that_became_a_directory_and_attributes(shelf: Shelf) -> None:
    def change(tree: Path) -> None:
        (tree / "link").mkdir()
        (tree / "link" / "x").write_text("x")
        (tree / "etc").mkdir()
        (tree / "etc" / "same").write_text("same")
        os.setxattr(tree / "etc" / "same", "user.note", b"hi")

    below = shelf.layer(base)
    assert found(shelf, shelf.image(below), shelf.image(below, change)) == [
        Difference("C", "/etc/same", 4, 4, ("attributes user.note",)),
        Difference("C", "/link", 0, 0, ("link -> directory",)),
        Difference("A", "/link/x", 0, 1, ("file",)),
    ]


def test_images_without_a_layer_in_common_are_compared_whole(shelf: Shelf) -> None:
    def again(tree: Path) -> None:
        base(tree)
        (tree / "more").write_text("")

    assert found(shelf, shelf.image(base), shelf.image(again)) == [Difference("A", "/more", 0, 0, ("file",))]
