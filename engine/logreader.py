"""Reads containers' logs from disk, whether a supervisor lives or not; engine.logstore describes the format.

What came out of a container in one piece is read in one piece, a run: lines without number cost one search and one
replacement, not a turn of a loop each.
"""

import calendar
import heapq
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.logstore import LINE_BYTES, Stream, log_files, stamp_of

_BLOCK_BYTES = 1 << 16
_READ_BYTES = 1 << 19
_WINDOW_BYTES = 1 << 12
_STAMP_BYTES = len("2026-11-21T02:30:00.123456789Z")
_HEADER_BYTES = _STAMP_BYTES + len(" stdout F ")
_STAMP_SHAPE = b"0000-00-00T00:00:00.000000000Z"
_TO_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_FIELDS = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19))
_KINDS: dict[bytes, tuple[Stream, bool]] = {
    b" stdout F ": ("stdout", True),
    b" stderr F ": ("stderr", True),
    b" stdout P ": ("stdout", False),
    b" stderr P ": ("stderr", False),
}


class LogLine(NamedTuple):
    """One line of output, without its end. `time_ns` is since the epoch; `text` is what was written, any bytes."""

    time_ns: int
    stream: Stream
    text: bytes


class Run(NamedTuple):
    """Lines that a stream brought at one time. `text` is what was written, every line with its end.

    `stamp` is the time in RFC 3339, always of the same length, so that stamps sort as the times do.
    """

    stamp: bytes
    stream: Stream
    text: bytes

    @property
    def time_ns(self) -> int:
        """The time since the epoch."""
        second = calendar.timegm(tuple(int(self.stamp[begin:end]) for begin, end in _FIELDS))
        return second * 1_000_000_000 + int(self.stamp[20:29])

    def lines(self) -> list[LogLine]:
        """The lines one by one."""
        time_ns = self.time_ns
        return [LogLine(time_ns, self.stream, text) for text in self.text[:-1].split(b"\n")]


class RunJoiner:
    """Turns records of a log into runs, joining the pieces of a line by stream."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        self._last_stamp = b""

    def feed(self, block: bytes) -> Iterator[Run]:
        """The runs whose lines end in these records, each of which has its end; damaged ones are left out."""
        at, size = 0, len(block)
        while at < size:
            end = block.find(b"\n", at) + 1 or size
            header = block[at : at + _HEADER_BYTES]
            kind = _KINDS.get(header[_STAMP_BYTES:])
            if kind is None or end - at <= _HEADER_BYTES or not _is_stamp(header):
                at = end
                continue
            stream, whole = kind
            begin, at = at + _HEADER_BYTES, end
            if not whole:
                self._pieces[stream].append(block[begin : end - 1])
                continue
            if block.startswith(header, end):
                at = _end_of_run(block, header, end)
                text = block[begin:at].replace(b"\n" + header, b"\n")
            else:
                text = block[begin:end]
            if self._pieces[stream]:
                text = b"".join((*self._pieces[stream], text))
                self._pieces[stream].clear()
            self._last_stamp = header[:_STAMP_BYTES]
            yield Run(self._last_stamp, stream, text)

    def rest(self) -> Iterator[Run]:
        """The lines that were never ended, at the end of a log; they are given the time of the last one that was."""
        for stream in ("stdout", "stderr"):
            if self._pieces[stream]:
                text = b"".join((*self._pieces[stream], b"\n"))
                self._pieces[stream].clear()
                yield Run(self._last_stamp or stamp_of(0), "stderr" if stream == "stderr" else "stdout", text)


def _is_stamp(header: bytes) -> bool:
    """Whether a record begins with a time; a bit that flipped on the disk may make it none."""
    shape = header[:_STAMP_BYTES].translate(_TO_ZEROS)
    return shape == _STAMP_SHAPE and header[:4] > b"0000" and b"01" <= header[5:7] <= b"12"


def _end_of_run(block: bytes, header: bytes, at: int) -> int:
    """Where the records that begin with `header` end, of which one begins `at`. They lie side by side.

    They are looked for in growing windows: a search to the block's end for each of many short runs would be quadratic.
    """
    mark = b"\n" + header
    window, last = _WINDOW_BYTES, at - 1
    while (found := block.rfind(mark, last + 1, at + window)) >= 0:
        last = found
        if found < at + window // 2:
            break
        window *= 2
    return block.find(b"\n", last + 1) + 1 or len(block)


def read_runs(
    directory: Path, *, tail: int | None = None, since: bytes = b"", until: bytes | None = None
) -> Iterator[Run]:
    """One container's log in order, from the stamp `since` on and before `until`.

    `tail` keeps the last lines only, without reading what lies before them.
    """
    joiner = RunJoiner()
    runs = _last_runs(directory, joiner, tail) if tail is not None else _all_runs(directory, joiner)
    for run in runs:
        if run.stamp >= since and (until is None or run.stamp < until):
            yield run


def read(
    directory: Path, *, tail: int | None = None, since_ns: int = 0, until_ns: int | None = None
) -> Iterator[LogLine]:
    """The same, line by line."""
    until = None if until_ns is None else stamp_of(until_ns)
    for run in read_runs(directory, tail=tail, since=stamp_of(since_ns), until=until):
        yield from run.lines()


def merge(runs_by_name: Iterable[tuple[str, Iterable[Run]]]) -> Iterator[tuple[str, Run]]:
    """The runs of several containers in the order of their time; a name's own runs keep their order."""

    def named(name: str, runs: Iterable[Run]) -> Iterator[tuple[str, Run]]:
        return ((name, run) for run in runs)

    return heapq.merge(*(named(name, runs) for name, runs in runs_by_name), key=lambda item: item[1].stamp)


def last_lines(runs: Sequence[Run], lines: int) -> list[Run]:
    """The last lines of some runs."""
    kept: list[Run] = []
    for run in reversed(runs):
        if lines <= 0:
            break
        there = run.text.count(b"\n")
        if there > lines:
            run = run._replace(text=b"\n".join(run.text.split(b"\n")[-lines - 1 :]))  # noqa: PLW2901 - what is kept
        kept.append(run)
        lines -= there
    return kept[::-1]


def _all_runs(directory: Path, joiner: RunJoiner) -> Iterator[Run]:
    """All runs, oldest first. All files are opened before one is read: a rotation meanwhile costs nothing."""
    for fd in open_files(directory):
        with os.fdopen(fd, "rb", buffering=0) as file:
            rest = b""
            while chunk := file.read(_READ_BYTES):
                block, rest = whole_records(rest, chunk)
                yield from joiner.feed(block)
            if rest:
                yield from joiner.feed(rest + b"\n")
    yield from joiner.rest()


def whole_records(rest: bytes, chunk: bytes) -> tuple[bytes, bytes]:
    """What was read, cut where the last record ends; `rest` is what was left over before."""
    end = chunk.rfind(b"\n") + 1
    return (rest + chunk[:end], chunk[end:]) if end else (b"", rest + chunk)


def _last_runs(directory: Path, joiner: RunJoiner, lines: int) -> list[Run]:
    fds = open_files(directory)
    try:
        records = last_records(fds, lines)
    finally:
        for fd in fds:
            os.close(fd)
    runs = list(joiner.feed(b"".join(record + b"\n" for record in records)))
    return last_lines([*runs, *joiner.rest()], lines)


def open_files(directory: Path) -> list[int]:
    """Descriptors of the log's files, oldest first; the caller closes them."""
    fds: list[int] = []
    seen: set[tuple[int, int]] = set()
    for path in log_files(directory):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue
        status = os.fstat(fd)
        if (status.st_dev, status.st_ino) in seen:  # it was rotated between two opens
            os.close(fd)
            continue
        seen.add((status.st_dev, status.st_ino))
        fds.append(fd)
    return fds[::-1]


def last_records(fds: Sequence[int], lines: int, end: int | None = None) -> list[bytes]:
    """At least the records of the last `lines` lines, oldest first, read from the end backwards.

    `fds` are the log's files, oldest first; `end` is where in the newest one the log is taken to end.

    Reading goes on until each stream shows the end of a line before the wanted ones, so that none lacks a piece; but
    not farther than one line can be long.
    """
    found: list[bytes] = []
    streams: set[bytes] = set()
    ended: set[bytes] = set()
    whole = beyond = 0
    for record in (record for fd in reversed(fds) for record in _backwards(fd, end if fd == fds[-1] else None)):
        stream = record[_STAMP_BYTES + 1 : _STAMP_BYTES + 7]
        is_end = record[_STAMP_BYTES + 7 : _STAMP_BYTES + 10] == b" F "
        if whole >= lines:
            beyond += len(record)
            if is_end:
                ended.add(stream)
            if streams <= ended or beyond > LINE_BYTES:
                break
        streams.add(stream)
        whole += is_end
        found.append(record)
    return found[::-1]


def _backwards(fd: int, end: int | None) -> Iterator[bytes]:
    """The records of a file, last first; a torn one at the end counts."""
    position = os.fstat(fd).st_size if end is None else end
    pending = b""
    while position > 0:
        size = min(_BLOCK_BYTES, position)
        position -= size
        pending = os.pread(fd, size, position) + pending
        first, *complete = pending.split(b"\n")
        pending = first
        yield from (record for record in reversed(complete) if record)
        if len(pending) > 2 * LINE_BYTES:
            return
    if pending:
        yield pending
