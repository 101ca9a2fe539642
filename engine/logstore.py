"""A container's log as it is written: one file of time-stamped lines, rotated by size.

The format is Kubernetes' (CRI): `2026-11-21T02:30:00.123456789Z stdout F text`, flag F for a whole line (or the last
piece of one), P for a piece that goes on. Lines bear the same time only if a stream brought them at once and the other
none in between. `log` is the newest file, `log.1` the one before it.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

Stream = Literal["stdout", "stderr"]
STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")
Chunk = tuple[Stream, bytes]
"""What a stream brought."""

LOG_FILE = "log"
ROTATE_BYTES = 10 << 20
KEPT_FILES = 5
LINE_BYTES = 1 << 20


def log_files(directory: Path) -> tuple[Path, ...]:
    """The files that a container's log consists of, newest first; one may go, or get another name, at any time."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return ()
    ages = (name.removeprefix(f"{LOG_FILE}.") for name in names)
    older = sorted(int(age) for age in ages if age.isdecimal())
    return (directory / LOG_FILE, *(directory / f"{LOG_FILE}.{age}" for age in older))


class LogPosition(NamedTuple):
    """Where a log ends: the inode of its newest file (0: not known) and its size."""

    inode: int = 0
    size: int = 0


def stamp_of(time_ns: int) -> bytes:
    """A time since the epoch as records bear it."""
    second, nanosecond = divmod(time_ns, 1_000_000_000)
    return b"%b.%09dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode(), nanosecond)


class LogWriter:
    """Appends to one container's log. Owns the open file; nothing here raises for a full disk.

    What does not fit the disk is dropped: `lost_bytes` in all, `dropped_bytes` that the log does not tell of yet.
    """

    def __init__(
        self,
        directory: Path,
        *,
        rotate_bytes: int = ROTATE_BYTES,
        kept_files: int = KEPT_FILES,
        line_bytes: int = LINE_BYTES,
    ) -> None:
        """A line that grows to `line_bytes` is cut in two. With `rotate_bytes` 0 there is one file of any size."""
        self._directory = directory
        self._rotate_bytes = rotate_bytes
        self._kept_files = kept_files
        self._line_bytes = line_bytes
        self._fd = -1
        self._inode = 0
        self._size = 0
        self._second = -1
        self._second_text = b""
        self._unfinished: dict[str, int] = {"stdout": 0, "stderr": 0}
        self.dropped_bytes = 0
        self.lost_bytes = 0

    def write(self, stream: Stream, chunk: bytes, time_ns: int) -> None:
        """Appends what a stream brought. What does not fit the disk is dropped, counted and told once there is room."""
        self.write_all(((stream, chunk),), time_ns)

    def write_all(self, chunks: Sequence[Chunk], time_ns: int) -> None:
        """The same with what the streams brought in turn, each a nanosecond later: all of it or nothing."""
        unfinished = self._unfinished.copy()
        told = [*self._gap(), *chunks] if self.dropped_bytes else chunks
        if self._append(self._records(told, time_ns)):
            self.dropped_bytes = 0
        else:
            self._unfinished = unfinished
            lost = sum(len(chunk) for _stream, chunk in chunks)
            self.dropped_bytes += lost
            self.lost_bytes += lost

    @property
    def position(self) -> LogPosition:
        """Where the next record will be written."""
        try:
            if self._fd < 0:
                self._open()
        except OSError:
            return LogPosition()
        return LogPosition(self._inode, self._size)

    def finish(self, begun_at: LogPosition, chunks: Sequence[Chunk], time_ns: int) -> None:
        """Does what is missing of a write that was killed, if anything: the log ended at `begun_at` before it.

        The order of the streams may have been another then, not the length.
        """
        if not begun_at.inode:
            return
        self.close()
        length = len(self._records(chunks, time_ns))
        self._unfinished = dict.fromkeys(self._unfinished, 0)
        with contextlib.suppress(OSError):
            fd = os.open(self._directory / LOG_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                found = os.fstat(fd)
                # Another file than that was begun by that very write.
                begin = begun_at.size if found.st_ino == begun_at.inode and found.st_size >= begun_at.size else 0
                if found.st_size == begin + length:
                    return
                os.ftruncate(fd, begin)
            finally:
                os.close(fd)
        self.write_all(chunks, time_ns)

    def close(self) -> None:
        """Closes the file; writing opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _stamp(self, time_ns: int) -> bytes:
        second, nanosecond = divmod(time_ns, 1_000_000_000)
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return b"%b.%09dZ" % (self._second_text, nanosecond)

    def _gap(self) -> Iterator[Chunk]:
        """Says that something is missing here, where it goes on; a line that was begun before that is ended."""
        for stream in STREAMS:
            if self._unfinished[stream]:
                yield stream, b"\n"
        told = f"[{self.dropped_bytes} bytes of output were dropped: the log could not be written]\n"
        yield "stderr", told.encode()

    def _records(self, chunks: Sequence[Chunk], time_ns: int) -> bytes:
        return b"".join(
            [self._lines(stream, chunk, self._stamp(time_ns + turn)) for turn, (stream, chunk) in enumerate(chunks)]
        )

    def _lines(self, stream: Stream, chunk: bytes, stamp: bytes) -> bytes:
        whole = stamp + (b" stdout F " if stream == "stdout" else b" stderr F ")
        end = chunk.rfind(b"\n") + 1
        if end == 0:
            return self._piece(stream, chunk, whole)
        text = whole + chunk[: end - 1].replace(b"\n", b"\n" + whole) + b"\n"
        self._unfinished[stream] = 0
        return text if end == len(chunk) else text + self._piece(stream, chunk[end:], whole)

    def _piece(self, stream: Stream, piece: bytes, whole: bytes) -> bytes:
        length = self._unfinished[stream] + len(piece)
        if length >= self._line_bytes:
            self._unfinished[stream] = 0
            return whole + piece + b"\n"
        self._unfinished[stream] = length
        return whole[:-2] + b"P " + piece + b"\n"

    def _append(self, text: bytes) -> bool:
        """Writes all or nothing; False when it was nothing."""
        try:
            if self._fd < 0:
                self._open()
            if self._size and self._rotate_bytes and self._size + len(text) > self._rotate_bytes:
                self._rotate()
            written = os.write(self._fd, text)
            if written == len(text):
                self._size += written
                return True
            os.ftruncate(self._fd, self._size)
        except OSError:
            with contextlib.suppress(OSError):
                if self._fd >= 0:
                    os.ftruncate(self._fd, self._size)
        return False

    def _open(self) -> None:
        self._fd = os.open(
            self._directory / LOG_FILE, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        found = os.fstat(self._fd)
        self._inode, self._size = found.st_ino, found.st_size
        if self._size and os.pread(self._fd, 1, self._size - 1) != b"\n":
            self._size += os.write(self._fd, b"\n")

    def _rotate(self) -> None:
        self.close()
        newest = self._directory / LOG_FILE
        files = [newest, *(self._directory / f"{LOG_FILE}.{age}" for age in range(1, self._kept_files))]
        if len(files) == 1:  # another file, and not one with the inode of the last: `finish` tells them apart by it
            fresh = self._directory / f"{LOG_FILE}.new"
            fresh.touch(mode=0o600)
            fresh.rename(newest)
        for older, newer in zip(reversed(files), reversed(files[:-1]), strict=False):
            with contextlib.suppress(FileNotFoundError):
                newer.rename(older)
        self._open()
