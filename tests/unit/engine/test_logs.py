"""A container's log: what is written is what is read."""

import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.logreader import LogLine, Run, merge, read, read_runs
from engine.logstore import LogWriter, log_files

NOON = 1_795_262_400_000_000_000  # 2026-11-21T12:00:00Z


def test_lines_are_stamped_in_the_format_of_kubernetes(tmp_path: Path) -> None:
    log = LogWriter(tmp_path)
    log.write("stdout", b"one\ntwo\n", NOON + 5)
    log.write("stderr", b"three\n", NOON + 1_000_000_000)
    log.close()
    assert (tmp_path / "log").read_bytes() == (
        b"2026-11-21T12:00:00.000000005Z stdout F one\n"
        b"2026-11-21T12:00:00.000000005Z stdout F two\n"
        b"2026-11-21T12:00:01.000000000Z stderr F three\n"
    )


def test_a_line_without_an_end_is_a_piece_and_joined_when_read(tmp_path: Path) -> None:
    log = LogWriter(tmp_path)
    log.write("stdout", b"pass", NOON)
    log.write("stderr", b"other\n", NOON + 1)
    log.write("stdout", b"word: ", NOON + 2)
    log.write("stdout", b"\nnext\n", NOON + 3)
    assert (tmp_path / "log").read_bytes().splitlines()[0] == b"2026-11-21T12:00:00.000000000Z stdout P pass"
    assert list(read(tmp_path)) == [
        LogLine(NOON + 1, "stderr", b"other"),
        LogLine(NOON + 3, "stdout", b"password: "),
        LogLine(NOON + 3, "stdout", b"next"),
    ]


def test_a_last_line_without_an_end_is_read_all_the_same(tmp_path: Path) -> None:
    log = LogWriter(tmp_path)
    log.write("stdout", b"done\nprompt> ", NOON)
    expected = [LogLine(NOON, "stdout", b"done"), LogLine(NOON, "stdout", b"prompt> ")]
    assert list(read(tmp_path)) == expected
    assert list(read(tmp_path, tail=1)) == expected[1:]


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_any_bytes_in_any_pieces_come_back(tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]) -> None:
    directory = tmp_path_factory.mktemp("log")
    log = LogWriter(directory, rotate_bytes=400, kept_files=1000)
    for index, chunk in enumerate(filter(None, chunks)):
        log.write("stdout", chunk, NOON + index)
    log.close()
    files = sorted(directory.iterdir(), key=lambda path: -int(path.suffix[1:] or 0))
    for age, path in enumerate(reversed(files[-5:])):
        assert path.name == ("log" if age == 0 else f"log.{age}")
    if len(files) <= 5:
        text = b"".join(chunks)
        lines = text.split(b"\n")
        assert [line.text for line in read(directory)] == (lines if lines[-1] else lines[:-1])


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    log = LogWriter(tmp_path, line_bytes=10)
    for _ in range(3):
        log.write("stdout", b"abcdef", NOON)
    log.write("stdout", b"\n", NOON)
    assert [line.text for line in read(tmp_path)] == [b"abcdefabcdef", b"abcdef"]


def test_old_files_are_rotated_away(tmp_path: Path) -> None:
    log = LogWriter(tmp_path, rotate_bytes=100, kept_files=3)
    for number in range(20):
        log.write("stdout", b"line %d\n" % number, NOON)
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1", "log.2"]
    assert [line.text for line in read(tmp_path)] == [b"line %d" % number for number in range(14, 20)]
    assert all(path.stat().st_size <= 100 for path in log_files(tmp_path)[:3])


def test_a_torn_record_costs_one_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"2026-11-21T12:00:00.000000000Z stdout F whole\n2026-11-21T12:0")
    log = LogWriter(tmp_path)
    log.write("stdout", b"after\n", NOON)
    assert [line.text for line in read(tmp_path)] == [b"whole", b"after"]


@pytest.mark.parametrize("tail", [0, 1, 2, 7, 100])
def test_tail_gives_the_last_lines_of_all_files(tmp_path: Path, tail: int) -> None:
    log = LogWriter(tmp_path, rotate_bytes=300, kept_files=5)
    for number in range(12):
        log.write("stdout", b"begin ", NOON + number)
        log.write("stderr", b"error %d\n" % number, NOON + number)
        log.write("stdout", b"end %d\n" % number, NOON + number)
    everything = list(read(tmp_path))
    assert list(read(tmp_path, tail=tail)) == (everything[-tail:] if tail else [])


def test_since_and_until_bound_the_time(tmp_path: Path) -> None:
    log = LogWriter(tmp_path)
    for second in range(4):
        log.write("stdout", b"%d\n" % second, NOON + second)
    assert [line.text for line in read(tmp_path, since_ns=NOON + 1, until_ns=NOON + 3)] == [b"1", b"2"]


def test_containers_are_merged_by_time(tmp_path: Path) -> None:
    for name, times in (("web", (0, 3)), ("db", (1, 2))):
        (tmp_path / name).mkdir()
        log = LogWriter(tmp_path / name)
        for time in times:
            log.write("stdout", b"%d\n" % time, NOON + time)
    merged = merge([(name, read_runs(tmp_path / name)) for name in ("web", "db")])
    texts = [(name, run.text) for name, run in merged]
    assert texts == [("web", b"0\n"), ("db", b"1\n"), ("db", b"2\n"), ("web", b"3\n")]


def test_what_cannot_be_written_is_counted_and_told_later(tmp_path: Path) -> None:
    directory = tmp_path / "gone"
    log = LogWriter(directory)
    log.write("stdout", b"12345\n", NOON)
    log.write("stdout", b"678\n", NOON)
    assert log.dropped_bytes == 10
    directory.mkdir()
    log.write("stdout", b"back\n", NOON)
    assert [line.text for line in read(directory)] == [
        b"[10 bytes of output were dropped: the log could not be written]",
        b"back",
    ]


def test_what_was_dropped_ends_the_line_that_was_begun(tmp_path: Path) -> None:
    log = LogWriter(tmp_path)
    log.write("stdout", b"begun", NOON)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, limits[1]))
    try:
        log.write("stdout", b" and dropped\nand", NOON)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log.write("stdout", b" ended\n", NOON)
    assert [line.text for line in read(tmp_path)] == [
        b"begun",
        b"[16 bytes of output were dropped: the log could not be written]",
        b" ended",
    ]
    assert (log.dropped_bytes, log.lost_bytes) == (0, 16)


def test_a_full_disk_tears_no_record(tmp_path: Path) -> None:
    log = LogWriter(tmp_path)
    log.write("stdout", b"whole\n", NOON)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, limits[1]))  # write(2) then writes what fits
    try:
        log.write("stdout", b"x" * 100 + b"\n", NOON)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert log.dropped_bytes == 101
    log.write("stdout", b"after\n", NOON)
    assert [line.text for line in read(tmp_path)] == [
        b"whole",
        b"[101 bytes of output were dropped: the log could not be written]",
        b"after",
    ]


def test_no_log_reads_as_no_lines(tmp_path: Path) -> None:
    assert list(read(tmp_path / "missing")) == []


def test_a_single_file_begins_anew_when_it_is_full(tmp_path: Path) -> None:
    log = LogWriter(tmp_path, rotate_bytes=100, kept_files=1)
    for number in range(10):
        log.write("stdout", b"line %d\n" % number, NOON)
    log.close()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert [line.text for line in read(tmp_path)][-1] == b"line 9"
    assert (tmp_path / "log").stat().st_size <= 100


def test_a_log_without_a_limit_stays_one_file(tmp_path: Path) -> None:
    log = LogWriter(tmp_path, rotate_bytes=0, kept_files=5)
    for _ in range(10):
        log.write("stdout", b"x" * 100 + b"\n", NOON)
    log.close()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_more_files_than_usual_are_read_in_order(tmp_path: Path) -> None:
    log = LogWriter(tmp_path, rotate_bytes=50, kept_files=12)
    for number in range(12):
        log.write("stdout", b"line %d\n" % number, NOON + number)
    log.close()
    assert [line.text for line in read(tmp_path)] == [b"line %d" % number for number in range(12)]


def test_lines_of_one_time_are_one_run_of_their_stream(tmp_path: Path) -> None:
    log = LogWriter(tmp_path)
    log.write("stdout", b"half ", NOON)
    log.write("stdout", b"line\n" + b"more\n" * 2000 + b"begun", NOON + 1)
    log.write("stderr", b"\n\n", NOON + 2)
    stamps = [b"2026-11-21T12:00:00.00000000%dZ" % number for number in range(3)]
    assert list(read_runs(tmp_path)) == [
        Run(stamps[1], "stdout", b"half line\n" + b"more\n" * 2000),
        Run(stamps[2], "stderr", b"\n\n"),
        Run(stamps[2], "stdout", b"begun\n"),
    ]
