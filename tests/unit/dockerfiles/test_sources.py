import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.dockerfiles.ignoring import parse_ignore_rules
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.sources import Root, digests, find_sources
from engine.syscalls import Resolve


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    for name in ("a.txt", "b.txt", "sub/c.txt", "sub/deep/d.txt", ".hidden"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "inside").symlink_to("sub")
    (tmp_path / "outside").symlink_to("/etc")
    (tmp_path / "nowhere").symlink_to("missing")
    handle = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield Root(handle, "the build context", Resolve.BENEATH | Resolve.NO_MAGICLINKS)
    os.close(handle)


def found(root: Root, written: str) -> list[tuple[str, list[str]]]:
    return [(source.path, [entry.path for entry in source.entries]) for source in find_sources(root, written)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a.txt", [("a.txt", [""])]),
        ("/a.txt", [("a.txt", [""])]),
        ("sub", [("sub", ["", "c.txt", "deep", "deep/d.txt"])]),
        ("sub/../sub/./", [("sub", ["", "c.txt", "deep", "deep/d.txt"])]),
        ("*.txt", [("a.txt", [""]), ("b.txt", [""])]),
        ("*/c.txt", [("inside/c.txt", [""]), ("sub/c.txt", [""])]),
        ("inside", [("inside", ["", "c.txt", "deep", "deep/d.txt"])]),
    ],
)
def test_a_source_is_a_file_a_directory_or_a_pattern(
    root: Root, written: str, expected: list[tuple[str, list[str]]]
) -> None:
    assert found(root, written) == expected


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("missing", "there is no 'missing' in the build context"),
        ("*.py", "there is no '\\*.py' in the build context"),
        ("a.txt/below", "there is no 'a.txt/below' in the build context"),
        ("nowhere", "there is no 'nowhere' in the build context"),
        ("../x", "'../x' leads out of the build context"),
        ("sub/../../x", "leads out of the build context"),
        ("outside/passwd", "'outside/passwd' is a link that leads out of the build context"),
        ("outside", "'outside' is a link that leads out of the build context"),
    ],
)
def test_nothing_outside_is_found(root: Root, written: str, reason: str) -> None:
    with pytest.raises(Mistake, match=reason):
        find_sources(root, written)


def test_ignored_files_are_not_there_and_the_hint_says_why(root: Root) -> None:
    ignoring = root._replace(rules=parse_ignore_rules("*\n!sub/deep\n", ".dockerignore"))

    assert found(ignoring, ".") == [("", ["", "sub", "sub/deep", "sub/deep/d.txt"])]
    with pytest.raises(Mistake) as caught:
        find_sources(ignoring, "a.txt")
    assert caught.value.hint == ".dockerignore:1 leaves it out: *"


def test_digests_tell_content_and_modes_but_not_times(root: Root, tmp_path: Path) -> None:
    def now() -> dict[str, str]:
        (source,) = find_sources(root, "sub")
        return digests(source)

    before = now()
    assert sorted(before) == ["sub", "sub/c.txt", "sub/deep", "sub/deep/d.txt"]
    os.utime(tmp_path / "sub" / "c.txt", (1, 1))
    assert now() == before
    (tmp_path / "sub" / "c.txt").write_text("changed")
    changed = now()
    assert {path for path in before if before[path] != changed[path]} == {"sub/c.txt"}
    (tmp_path / "sub" / "deep").chmod(0o700)
    assert now()["sub/deep"] != before["sub/deep"]
