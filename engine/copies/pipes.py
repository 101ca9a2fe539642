"""The pipes that archives go through, between a process inside a container and one outside."""

import errno
import fcntl
import os
from collections.abc import Sequence
from typing import Final

from engine.errors import CopyError

_ROOM: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 18


class BrokenOffError(CopyError):
    """Whoever was to take the archive takes no more of it; why, only that one knows."""


def wide_pipe() -> tuple[int, int]:
    """A pipe, reading end first, with as much room as this user may have."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _ROOM)
    except PermissionError:  # beyond fs.pipe-user-pages-soft: the usual room does as well
        return reading, writing
    return reading, writing


class PipeSource:
    """The bytes of a descriptor, for `TarStream`."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._buffer = memoryview(bytearray(_CHUNK_BYTES))
        self._rest = self._buffer[:0]

    def some(self, most: int) -> memoryview:
        """At least one byte and at most `most`, or nothing at the end; valid until the next call."""
        if not self._rest:
            try:
                self._rest = self._buffer[: os.readv(self._fd, [self._buffer])]
            except OSError as error:
                raise CopyError(f"cannot read the archive: {error.strerror}") from error
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece


class Fan:
    """Writes one archive to several descriptors; those whose reader is gone are left out until none is left."""

    def __init__(self, fds: Sequence[int]) -> None:
        self._fds = list(fds)

    def write(self, piece: bytes | memoryview) -> None:
        """Writes a piece to all; BrokenOffError when nobody takes it any more."""
        for fd in tuple(self._fds):
            try:
                write_all(fd, piece)
            except BrokenOffError:
                self._fds.remove(fd)
        if not self._fds:
            raise BrokenOffError("nobody takes the archive any more")


def write_all(fd: int, piece: bytes | memoryview) -> None:
    """Writes a whole piece."""
    left = memoryview(piece)
    while left:
        try:
            left = left[os.write(fd, left) :]
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise BrokenOffError("the reader of the archive is gone") from error
            raise CopyError(f"cannot write the archive: {error.strerror}") from error
