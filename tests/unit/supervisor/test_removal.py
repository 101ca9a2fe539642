"""Directory trees are removed whatever they look like."""

import os
from pathlib import Path

import pytest

from engine.supervisor.removal import remove_in_slices


def remove(top: Path) -> int:
    return sum(1 for _ in remove_in_slices(top))


def test_a_tree_is_removed_and_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    top = tmp_path / "top"
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "b" / "file").touch()
    (top / "a" / "link").symlink_to(outside)
    (top / "link").symlink_to(outside)
    os.mkfifo(top / "fifo")
    remove(top)
    assert not top.exists()
    assert (outside / "kept").exists()


def test_a_tree_deeper_than_any_path_or_stack_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    fd = os.open(top, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d" * 100, dir_fd=fd)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    remove(top)
    assert not top.exists()


def test_names_that_removal_would_give_itself_may_be_there_already(tmp_path: Path) -> None:
    top = tmp_path / "top"
    for name in (".removed-0", ".removed-1", "z"):
        (top / name / "deep" / "er").mkdir(parents=True)
        (top / name / "deep" / "er" / "file").touch()
    remove(top)
    assert not top.exists()


def test_a_large_tree_is_removed_in_slices(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    for number in range(1200):
        (top / str(number)).touch()
    assert remove(top) == 2


@pytest.mark.parametrize("name", ["missing", "missing/as/well"])
def test_a_missing_tree_is_removed_already(tmp_path: Path, name: str) -> None:
    assert remove(tmp_path / name) == 0
