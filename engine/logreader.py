"""Reads containers' logs from disk, whether a supervisor lives or not; engine.logstore describes the format."""

import calendar
import heapq
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.logstore import LINE_BYTES, Stream, log_files

_BLOCK_BYTES = 1 << 16
_STAMP_BYTES = len("2026-11-21T02:30:00.123456789Z")


class LogLine(NamedTuple):
    """One line of output, without its end. `time_ns` is since the epoch; `text` is what was written, any bytes."""

    time_ns: int
    stream: Stream
    text: bytes


class LineJoiner:
    """Turns records of a log into lines, joining the pieces of a line by stream."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        self._second_text = b""
        self._second_ns = 0

    def feed(self, record: bytes) -> LogLine | None:
        """The line that a record ends, None when it goes on or the record is damaged."""
        parts = record.split(b" ", 3)
        if len(parts) != 4:
            return None
        stamp, stream_name, flag, text = parts
        time_ns = self._time_ns(stamp)
        stream: Stream = "stderr" if stream_name == b"stderr" else "stdout"
        if time_ns is None:
            return None
        pieces = self._pieces[stream]
        if flag == b"P":
            pieces.append(text)
            return None
        if pieces:
            text = b"".join((*pieces, text))
            pieces.clear()
        return LogLine(time_ns, stream, text)

    def rest(self, time_ns: int) -> Iterator[LogLine]:
        """The lines that were never ended, at the end of a log; `time_ns` is the time they are given."""
        for stream in ("stdout", "stderr"):
            if self._pieces[stream]:
                yield LogLine(time_ns, "stderr" if stream == "stderr" else "stdout", b"".join(self._pieces[stream]))
                self._pieces[stream].clear()

    def _time_ns(self, stamp: bytes) -> int | None:
        if len(stamp) != _STAMP_BYTES:
            return None
        second_text = stamp[:19]
        try:
            if second_text != self._second_text:
                second = calendar.timegm(time.strptime(second_text.decode(), "%Y-%m-%dT%H:%M:%S"))
                self._second_ns = second * 1_000_000_000
                self._second_text = second_text
            return self._second_ns + int(stamp[20:29])
        except ValueError:
            return None


def read(
    directory: Path, *, tail: int | None = None, since_ns: int = 0, until_ns: int | None = None
) -> Iterator[LogLine]:
    """One container's log in order. `tail` keeps the last lines only, without reading what lies before them."""
    joiner = LineJoiner()
    last_ns = 0
    records = _records(directory) if tail is None else _last_records(directory, tail)
    lines: Iterable[LogLine] = (line for record in records if (line := joiner.feed(record)) is not None)
    if tail is not None:
        found = list(lines)
        found.extend(joiner.rest(found[-1].time_ns if found else 0))
        lines = found[max(0, len(found) - tail) :]
    for line in lines:
        last_ns = line.time_ns
        if line.time_ns >= since_ns and (until_ns is None or line.time_ns < until_ns):
            yield line
    for line in joiner.rest(last_ns):
        if line.time_ns >= since_ns and (until_ns is None or line.time_ns < until_ns):
            yield line


def merge(lines_by_name: Iterable[tuple[str, Iterable[LogLine]]]) -> Iterator[tuple[str, LogLine]]:
    """The lines of several containers in the order of their time; a name's own lines keep their order."""

    def named(name: str, lines: Iterable[LogLine]) -> Iterator[tuple[str, LogLine]]:
        return ((name, line) for line in lines)

    return heapq.merge(*(named(name, lines) for name, lines in lines_by_name), key=lambda item: item[1].time_ns)


def _records(directory: Path) -> Iterator[bytes]:
    """All records, oldest first. All files are opened before one is read: a rotation meanwhile costs nothing."""
    for fd in open_files(directory):
        with os.fdopen(fd, "rb") as file:
            for record in file:
                yield record.removesuffix(b"\n")


def _last_records(directory: Path, lines: int) -> list[bytes]:
    fds = open_files(directory)
    try:
        return last_records(fds, lines)
    finally:
        for fd in fds:
            os.close(fd)


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
