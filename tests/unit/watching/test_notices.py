"""Changes of real files, as inotify tells them."""

import os
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compose.errors import StackError
from compose.watching.notices import Notices


@contextmanager
def noticing(*tops: Path, descends: Callable[[str], bool] = lambda _path: True) -> Iterator[Notices]:
    notices = Notices((str(top) for top in tops), descends)
    yield notices
    notices.close()


def news(notices: Notices, wanted: Path) -> set[str]:
    """What changed, up to and with the wanted path."""
    seen: set[str] = set()
    while str(wanted) not in seen:
        assert select.select([notices], [], [], 10)[0], f"{wanted} was never noticed, only {seen}"
        seen.update(notices.news())
    return seen


def test_files_that_come_change_and_go(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "deep").mkdir(parents=True)
    with noticing(top) as notices:
        (top / "a").write_text("1")
        news(notices, top / "a")
        (top / "deep" / "b").write_text("1")
        news(notices, top / "deep" / "b")
        (top / "a").unlink()
        news(notices, top / "a")
        (top / "deep").rename(top / "moved")
        assert str(top / "deep") in news(notices, top / "moved")
        (top / "moved" / "c").write_text("1")
        news(notices, top / "moved" / "c")


def test_a_directory_that_comes_with_all_in_it_is_watched(tmp_path: Path) -> None:
    top, outside = tmp_path / "top", tmp_path / "outside"
    top.mkdir()
    (outside / "deep").mkdir(parents=True)
    with noticing(top) as notices:
        outside.rename(top / "inside")
        news(notices, top / "inside")
        (top / "inside" / "deep" / "file").touch()
        news(notices, top / "inside" / "deep" / "file")


def test_what_is_of_no_interest_takes_no_watch(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / "node_modules" / str(number)).mkdir(parents=True)
    (tmp_path / "src").mkdir()
    with noticing(tmp_path, descends=lambda path: "node_modules" not in path) as notices:
        assert len(notices) == 3, "the top, what is above it, src"
        (tmp_path / "node_modules" / "1" / "x").touch()
        (tmp_path / "src" / "y").touch()
        assert news(notices, tmp_path / "src" / "y") == {str(tmp_path / "src" / "y")}


def test_a_file_that_is_replaced_goes_on_being_watched_alone(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("1")
    with noticing(file, descends=lambda _path: False) as notices:
        for text in ("2", "3"):
            (tmp_path / "draft").write_text(text)
            (tmp_path / "draft").rename(file)
            news(notices, file)


def test_what_is_missing_is_waited_for(tmp_path: Path) -> None:
    top = tmp_path / "not" / "yet"
    with noticing(top) as notices:
        top.mkdir(parents=True)
        (top / "file").touch()
        seen = news(notices, top)
        if str(top / "file") not in seen:  # it may have come before its directory was watched
            (top / "again").touch()
            news(notices, top / "again")
        for name in ("file", "again"):
            (top / name).unlink(missing_ok=True)
        top.rmdir()
        top.mkdir()
        news(notices, top)
        (top / "later").touch()
        news(notices, top / "later")


def test_too_many_directories_are_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from watchdog.observers import inotify_c

    def no_room(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(inotify_c.InotifyFD, "add_callback", no_room)
    with pytest.raises(StackError) as refused:
        Notices([str(tmp_path)], lambda _path: True)
    assert "0 directories are too many" in refused.value.message
    assert "fs.inotify.max_user_watches" in refused.value.hint
