"""Whatever a supervisor was killed at, the next one logs every byte once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.logreader import read
from engine.logstore import LogPosition, LogWriter
from engine.spec import LogOptions
from engine.supervisor.intake import Intake
from engine.supervisor.logs import Output, make_fifos
from engine.supervisor.loop import Loop

NOON = 1_795_262_400_000_000_000  # 2026-11-21T12:00:00Z
LATER = NOON + 3_600_000_000_000
RECORD = b"2026-11-21T12:00:00.000000000Z stdout F two\n"


@pytest.fixture
def fifos(tmp_path: Path) -> Path:
    directory = tmp_path / "c1"
    directory.mkdir()
    make_fifos(directory)
    return directory


@pytest.fixture
def fifo(fifos: Path) -> Iterator[int]:
    fd = os.open(fifos / "stdout", os.O_RDWR | os.O_NONBLOCK)
    yield fd
    os.close(fd)


@pytest.fixture
def log(tmp_path: Path) -> LogWriter:
    log = LogWriter(tmp_path, rotate_bytes=100)
    log.write("stdout", b"one\n", NOON)
    return log


def taken(directory: Path, fifo: int, log: LogWriter) -> None:
    """A chunk was taken; then the supervisor is killed."""
    os.write(fifo, b"two\n")
    intake = Intake.open(directory)
    assert intake.settle(b"c1", 0, log.position)
    assert intake.take(fifo, 1 << 16) == b"two\n"
    log.close()
    intake.close()


def recover(directory: Path, fifos: Path) -> list[str]:
    """What the log says after another supervisor has come; it may be killed, too."""
    loop = Loop()
    for _ in range(2):
        intake = Intake.open(directory)
        unlogged = intake.unlogged()
        assert unlogged is not None
        assert unlogged.container_id == "c1"
        options = LogOptions(max_bytes=100)
        Output(fifos, directory, loop, options, clock_ns=lambda: LATER, intake=intake).recover(unlogged)
        intake.close()
    loop.close()
    return [f"{line.time_ns - NOON} {line.text.decode()}" for line in read(directory)]


def test_what_was_taken_and_not_logged_is_logged(tmp_path: Path, fifos: Path, fifo: int, log: LogWriter) -> None:
    taken(tmp_path, fifo, log)
    assert recover(tmp_path, fifos) == ["0 one", "3600000000000 two"]


@pytest.mark.parametrize("written", range(1, len(RECORD)))
def test_what_was_logged_by_half_is_logged_whole(
    tmp_path: Path, fifos: Path, fifo: int, log: LogWriter, written: int
) -> None:
    taken(tmp_path, fifo, log)
    with (tmp_path / "log").open("ab") as file:
        file.write(RECORD[:written])
    assert recover(tmp_path, fifos) == ["0 one", "3600000000000 two"]


def test_what_was_logged_keeps_its_time(tmp_path: Path, fifos: Path, fifo: int, log: LogWriter) -> None:
    taken(tmp_path, fifo, log)
    log.write("stdout", b"two\n", NOON + 7)
    log.close()
    assert recover(tmp_path, fifos) == ["0 one", "7 two"]


@pytest.mark.parametrize("written", [0, 1, len(RECORD) - 1, len(RECORD)])
@pytest.mark.parametrize("kept_files", [1, 3])
def test_what_began_another_file_is_logged_once(
    tmp_path: Path, fifos: Path, fifo: int, log: LogWriter, written: int, kept_files: int
) -> None:
    log = LogWriter(tmp_path, rotate_bytes=80, kept_files=kept_files)
    taken(tmp_path, fifo, log)
    log.write("stdout", b"two\n", NOON)
    log.close()
    os.truncate(tmp_path / "log", written)
    lines = recover(tmp_path, fifos)
    assert lines[-1] == ("0 two" if written == len(RECORD) else "3600000000000 two")
    assert lines[:-1] == (["0 one"] if kept_files > 1 else [])


def test_a_rotation_that_was_cut_off_is_no_loss(tmp_path: Path, fifos: Path, fifo: int, log: LogWriter) -> None:
    taken(tmp_path, fifo, log)
    (tmp_path / "log").rename(tmp_path / "log.1")
    assert recover(tmp_path, fifos) == ["0 one", "3600000000000 two"]


def test_without_room_output_is_read_all_the_same(fifo: int) -> None:
    intake = Intake(os.open("/dev/full", os.O_RDWR))
    os.write(fifo, b"two\n")
    assert not intake.settle(b"c1", 0, LogPosition())
    assert intake.take(fifo, 1 << 16) == b"two\n"
    with pytest.raises(BlockingIOError):
        intake.take(fifo, 1 << 16)
    intake.close()


def test_much_output_keeps_the_file_small(tmp_path: Path, fifo: int) -> None:
    intake = Intake.open(tmp_path)
    for _ in range(50):
        os.write(fifo, b"x" * 16384)
        assert intake.settle(b"c1", 0, LogPosition())
        assert intake.take(fifo, 1 << 16) == b"x" * 16384
    assert (tmp_path / "taken").stat().st_size < 300_000
    intake.close()
