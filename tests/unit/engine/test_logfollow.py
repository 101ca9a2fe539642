"""Following logs while they are written."""

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import StateError
from engine.logfollow import Follower
from engine.logreader import LogLine
from engine.logstore import LogWriter

NOON = 1_795_262_400_000_000_000


@pytest.fixture
def follower() -> Iterator[Follower]:
    follower = Follower()
    yield follower
    follower.close()


def wait(follower: Follower) -> None:
    assert select.select([follower], [], [], 5)[0]


def texts(lines: list[LogLine]) -> list[bytes]:
    return [line.text for line in lines]


def test_what_is_there_comes_first_then_what_is_written(follower: Follower, tmp_path: Path) -> None:
    log = LogWriter(tmp_path)
    log.write("stdout", b"one\ntwo\nthree\n", NOON)
    assert texts(follower.add("web", tmp_path, tail=2)) == [b"two", b"three"]
    assert follower.collect() == []
    log.write("stderr", b"four\n", NOON + 1)
    wait(follower)
    assert follower.collect() == [("web", LogLine(NOON + 1, "stderr", b"four"))]


def test_a_log_that_begins_later_is_followed_from_its_beginning(follower: Follower, tmp_path: Path) -> None:
    assert follower.add("web", tmp_path) == []
    LogWriter(tmp_path).write("stdout", b"first\n", NOON)
    wait(follower)
    assert [(name, line.text) for name, line in follower.collect()] == [("web", b"first")]


@pytest.mark.parametrize("every", [1, 3, 7])
def test_every_rotation_is_followed(follower: Follower, tmp_path: Path, every: int) -> None:
    log = LogWriter(tmp_path, rotate_bytes=100, kept_files=5)
    follower.add("web", tmp_path)
    seen = []
    for number in range(30):
        log.write("stdout", b"%d\n" % number, NOON + number)
        if number % every == 0:
            seen += [line.text for _name, line in follower.collect()]
    seen += texts(follower.remove("web"))
    assert seen == [b"%d" % number for number in range(30)]


def test_a_follower_left_behind_by_rotations_goes_on_with_the_oldest_file(follower: Follower, tmp_path: Path) -> None:
    log = LogWriter(tmp_path, rotate_bytes=100, kept_files=3)
    follower.add("web", tmp_path)
    for number in range(30):
        log.write("stdout", b"%d\n" % number, NOON + number)
    assert [line.text for _name, line in follower.collect()][-6:] == [b"%d" % number for number in range(24, 30)]


def test_pieces_of_a_line_are_joined_across_the_start_of_following(follower: Follower, tmp_path: Path) -> None:
    log = LogWriter(tmp_path)
    log.write("stdout", b"begin ", NOON)
    assert follower.add("web", tmp_path, tail=10) == []
    log.write("stdout", b"end\n", NOON + 1)
    wait(follower)
    assert [line.text for _name, line in follower.collect()] == [b"begin end"]


def test_several_logs_come_in_the_order_of_time(follower: Follower, tmp_path: Path) -> None:
    for name in ("web", "db"):
        (tmp_path / name).mkdir()
        follower.add(name, tmp_path / name)
    LogWriter(tmp_path / "web").write("stdout", b"later\n", NOON + 1)
    LogWriter(tmp_path / "db").write("stdout", b"earlier\n", NOON)
    wait(follower)
    assert [line.text for _name, line in follower.collect()] == [b"earlier", b"later"]


def test_lines_end_when_told_with_what_is_left(follower: Follower, tmp_path: Path) -> None:
    told, telling = os.pipe()
    follower.add("web", tmp_path)
    LogWriter(tmp_path).write("stdout", b"last\n", NOON)
    os.close(telling)
    assert [line.text for _name, line in follower.lines(told)] == [b"last"]
    os.close(told)


def test_a_missing_log_cannot_be_followed(follower: Follower, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot follow the log of web"):
        follower.add("web", tmp_path / "missing")


def test_a_container_that_is_removed_ends_quietly(follower: Follower, tmp_path: Path) -> None:
    directory = tmp_path / "web"
    directory.mkdir()
    follower.add("web", directory)
    directory.rmdir()
    assert follower.remove("web") == []
