"""Takes output out of FIFOs, so that kill -9 at any moment neither loses nor doubles a byte of it.

What is taken is moved by splice(2) to the end of a file before it is logged: the kernel does both or neither. Written
before each taking, the file's beginning says whose output comes next, how much was logged already, and where its log
ended. What both streams of a container brought may be taken before it is logged together. Whoever goes on after a kill
finds out from the log's length whether the last chunk got there.
"""

import contextlib
import os
import struct
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

from engine.logstore import LogPosition

CUTS = 6
"""How many times what the other stream brought may be taken before it is logged."""

_HEADER = struct.Struct(f"<{CUTS}q4q64s")
_CUT = struct.Struct("<q")
_UNCUT = (0,) * CUTS
_DATA = _HEADER.size
_KEPT_BYTES = 1 << 18
_CHUNK_BYTES = 1 << 20
_FILE = "taken"


class Unlogged(NamedTuple):
    """What was taken and perhaps logged, by whoever was killed, by stream; the log's end before that."""

    container_id: str
    chunks: tuple[tuple[int, bytes], ...]
    log: LogPosition


class Intake:
    """The file of one stack, for all its containers: one chunk at a time is taken and logged."""

    def __init__(self, fd: int) -> None:
        """To be made by `open`; owns the descriptor."""
        self._fd = fd
        self._end = max(_DATA, os.fstat(fd).st_size)
        self._cuts = 0

    @classmethod
    def open(cls, directory: Path) -> Self:
        """The stack's file, made if it is not there. Raises OSError."""
        return cls(os.open(directory / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))

    def unlogged(self) -> Unlogged | None:
        """What an earlier supervisor had taken last when it was killed; to be asked before anything is taken."""
        header = os.pread(self._fd, _DATA, 0)
        if len(header) < _DATA:
            return None
        *cuts, logged, stream, inode, size, container_id = _HEADER.unpack(header)
        taken = os.pread(self._fd, _CHUNK_BYTES, logged) if logged >= _DATA else b""
        if not taken:
            return None
        ends = [*(cut - logged for cut in cuts if cut), len(taken)]
        chunks = {stream: b"", 1 - stream: b""}
        for turn, (begin, end) in enumerate(pairwise((0, *ends))):
            chunks[stream ^ turn & 1] += taken[begin:end]
        log = LogPosition(inode, size)
        return Unlogged(
            container_id.rstrip(b"\0").decode(), tuple((n, text) for n, text in chunks.items() if text), log
        )

    def settle(self, container_id: bytes, stream: int, log: LogPosition) -> bool:
        """Notes that all that was taken is logged, and whose output comes next; False when there is no room for it."""
        try:
            if self._end > _KEPT_BYTES:
                os.ftruncate(self._fd, _DATA)
                self._end = _DATA
            self._cuts = 0
            os.pwrite(self._fd, _HEADER.pack(*_UNCUT, self._end, stream, *log, container_id), 0)
        except OSError:
            with contextlib.suppress(OSError):  # what it said before is true no more
                os.ftruncate(self._fd, 0)
            self._end = _DATA
            return False
        return True

    def take(self, fifo: int, most_bytes: int) -> bytes:
        """Takes what there is, after `settle`; empty when nobody writes any more.

        BlockingIOError when nothing is there. Without room the FIFO is read, as if there were no file.
        """
        try:
            count = os.splice(fifo, self._fd, most_bytes, offset_dst=self._end, flags=os.SPLICE_F_NONBLOCK)
        except BlockingIOError:
            raise
        except OSError:
            return os.read(fifo, most_bytes)
        chunk = os.pread(self._fd, count, self._end) if count else b""
        self._end += count
        return chunk

    def take_other(self, fifo: int, most_bytes: int) -> bytes:
        """Takes what the other stream of the same container brought, by turns after `take`; else as that."""
        os.pwrite(self._fd, _CUT.pack(self._end), self._cuts * _CUT.size)
        self._cuts += 1
        return self.take(fifo, most_bytes)

    def close(self) -> None:
        """Closes the file."""
        os.close(self._fd)
