"""Where a copy goes: the table of `docker cp`."""

import pytest

from engine.copies.places import Answer, Kind, Wish, decide, split_name
from engine.errors import CopyError


@pytest.mark.parametrize(
    ("directory", "contents_only", "destination", "there", "answer"),
    [
        (False, False, "/new", "missing", "as"),
        (False, False, "/file", "file", "as"),
        (False, False, "/place", "directory", "inside"),
        (False, False, "/place/", "directory", "inside"),
        (True, False, "/new", "missing", "as"),
        (True, False, "/new/", "missing", "as"),
        (True, False, "/place", "directory", "inside"),
        (True, True, "/new", "missing", "as"),
        (True, True, "/place", "directory", "itself"),
    ],
)
def test_what_is_there_decides(
    directory: bool, contents_only: bool, destination: str, there: Kind, answer: Answer
) -> None:
    assert decide(Wish("name", contents_only, destination), directory=directory, there=there) == answer


@pytest.mark.parametrize(
    ("directory", "destination", "there", "message"),
    [
        (False, "/new/", "missing", "cannot copy to /new/: there is no such directory"),
        (False, "/a/b", "lost", "cannot copy to /a/b: the directory that it is to be in does not exist"),
        (False, "/file/", "file", "cannot copy to /file/: it is a file"),
        (True, "/file", "file", "cannot copy a directory to /file, which is a file"),
    ],
)
def test_what_cannot_be_is_refused(directory: bool, destination: str, there: Kind, message: str) -> None:
    with pytest.raises(CopyError) as refused:
        decide(Wish("name", False, destination), directory=directory, there=there)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("path", "name", "contents_only"),
    [
        ("/etc/passwd", "passwd", False),
        ("etc/", "etc", False),
        ("/etc/.", "etc", True),
        ("/etc/../var", "var", False),
        ("/../..", "", True),
        ("/", "", True),
        (".", "", True),
    ],
)
def test_a_path_s_last_name(path: str, name: str, contents_only: bool) -> None:
    assert split_name(path) == (name, contents_only)
