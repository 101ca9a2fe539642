"""How a layer's archive is made again, to the bit, from the files that came out of it.

A recipe holds everything of the archive but what files contain, in the archive's order, and says which file's content
comes where. On disk it is a zlib stream behind a first line; in it stand records of three kinds:

    B <u32 length> <bytes>                     bytes of the archive
    F <u64 size> <u16 length> <path>           what a file contains
    R <u32 number> <u16 length> <path>         what had this path so far was replaced by a later entry, and kept

It was written while an enemy's archive was unpacked, so it is believed no more than that.
"""

import os
import stat
import struct
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from engine.errors import ImageError, SyscallError
from engine.images.places import RECIPE, REPLACED, TREE
from engine.syscalls import Resolve, openat2

_FIRST_LINE: Final = b"windlass recipe 1\n"
_LEVEL = 1  # more takes twice the time to save a tenth
_CHUNK = 1 << 18
_BUFFER = 1 << 20
_INSIDE = Resolve.BENEATH | Resolve.NO_SYMLINKS | Resolve.NO_XDEV
_BYTES = struct.Struct("<cI")
_FILE = struct.Struct("<cQH")
_GONE = struct.Struct("<cIH")

Piece = bytes | memoryview


class Recorder:
    """Writes the recipe of a layer that is being unpacked into the directory behind `home`."""

    def __init__(self, home: int) -> None:
        self._file = os.open(RECIPE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=home)
        self._packer = zlib.compressobj(_LEVEL)
        self._kept: list[Piece] = []
        self._kept_bytes = 0
        self._records: list[Piece] = []
        self._records_bytes = 0
        self._replaced = 0
        _write(self._file, _FIRST_LINE)

    def keep(self, piece: Piece) -> None:
        """Notes bytes of the archive; they must not change until the next call."""
        self._kept.append(bytes(piece))
        self._kept_bytes += len(piece)
        if self._kept_bytes >= _CHUNK:
            self._settle()

    def content(self, path: bytes, size: int) -> None:
        """Notes that what the file contains comes next."""
        self._settle()
        self._add(_FILE.pack(b"F", size, len(path)) + path)

    def replaced(self, path: bytes) -> bytes:
        """Notes that what has this path is put aside; returns the name that it gets among the replaced."""
        self._settle()
        self._replaced += 1
        self._add(_GONE.pack(b"R", self._replaced, len(path)) + path)
        return b"%d" % self._replaced

    def finish(self) -> None:
        """Writes what is left."""
        self._settle()
        self._flush()
        _write(self._file, self._packer.flush())

    def close(self) -> None:
        """Lets go of the file; without `finish`, it is no recipe."""
        os.close(self._file)

    def _settle(self) -> None:
        if self._kept:
            self._add(_BYTES.pack(b"B", self._kept_bytes))
            self._records += self._kept
            self._records_bytes += self._kept_bytes
            self._kept, self._kept_bytes = [], 0

    def _add(self, record: bytes) -> None:
        self._records.append(record)
        self._records_bytes += len(record)
        if self._records_bytes >= _CHUNK:
            self._flush()

    def _flush(self) -> None:
        _write(self._file, self._packer.compress(b"".join(self._records)))
        self._records, self._records_bytes = [], 0


def follow(home: int, write: Callable[[Piece], object]) -> bool:
    """Writes the archive of the layer in the directory behind `home`; False when it has no recipe.

    ImageError when the recipe is damaged or a file is not what it was. Whether the bytes are right, only their digest
    tells.
    """
    try:
        recipe = os.open(RECIPE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=home)
    except FileNotFoundError:
        return False
    try:
        gone = _gone(home, recipe)
        buffer = memoryview(bytearray(_BUFFER))
        for count, record in enumerate(_records(recipe)):
            match record:
                case bytes():
                    write(record)
                case _File():
                    _write_content(home, gone.place(record.path, count), record, buffer, write)
    finally:
        os.close(recipe)
    return True


class _File(NamedTuple):
    path: bytes
    size: int


class _Gone(NamedTuple):
    path: bytes
    number: int


class _Departures:
    """Which paths were put aside when, by the count of their record."""

    def __init__(self) -> None:
        self._counts: dict[bytes, list[int]] = {}
        self._numbers: dict[bytes, list[int]] = {}

    def add(self, gone: _Gone, count: int) -> None:
        self._counts.setdefault(gone.path, []).append(count)
        self._numbers.setdefault(gone.path, []).append(gone.number)

    def place(self, path: bytes, count: int) -> bytes:
        """Where what was written at a path, at this count, lies in the end: it was put aside once, or never."""
        if not self._counts:
            return TREE + b"/" + path
        first = None
        end = len(path)
        while end >= 0:
            above = path[:end]
            counts = self._counts.get(above, [])
            at = bisect_right(counts, count)
            if at < len(counts) and (first is None or counts[at] < first[0]):
                first = counts[at], b"%s/%d%s" % (REPLACED, self._numbers[above][at], path[end:])
            end = path.rfind(b"/", 0, end)
        return first[1] if first else TREE + b"/" + path


def _gone(home: int, recipe: int) -> _Departures:
    departures = _Departures()
    try:
        os.stat(REPLACED, dir_fd=home, follow_symlinks=False)
    except FileNotFoundError:
        return departures
    for count, record in enumerate(_records(recipe)):
        if isinstance(record, _Gone):
            departures.add(record, count)
    return departures


def _write_content(home: int, path: bytes, record: _File, buffer: memoryview, write: Callable[[Piece], object]) -> None:
    try:
        file = openat2(home, path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, _INSIDE)
    except SyscallError:
        raise _damaged() from None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size != record.size:
            raise _damaged()
        left = record.size
        while left:
            count = os.readv(file, [buffer[: min(left, _BUFFER)]])
            if not count:
                raise _damaged()
            write(buffer[:count])
            left -= count
    finally:
        os.close(file)


def _records(recipe: int) -> Iterator[bytes | _File | _Gone]:
    source = _Unpacker(recipe)
    while kind := source.take(1, at_end=True):
        match kind:
            case b"B":
                (left,) = struct.unpack("<I", source.take(4))
                while left:
                    piece = source.take(min(left, _CHUNK))
                    left -= len(piece)
                    yield piece
            case b"F":
                size, length = struct.unpack("<QH", source.take(10))
                yield _File(source.take(length), size)
            case b"R":
                number, length = struct.unpack("<IH", source.take(6))
                yield _Gone(source.take(length), number)
            case _:
                raise _damaged()


class _Unpacker:
    """The records' bytes."""

    def __init__(self, recipe: int) -> None:
        os.lseek(recipe, 0, os.SEEK_SET)
        if os.read(recipe, len(_FIRST_LINE)) != _FIRST_LINE:
            raise _damaged()
        self._recipe = recipe
        self._unpacker = zlib.decompressobj()
        self._buffer = b""
        self._position = 0

    def take(self, count: int, *, at_end: bool = False) -> bytes:
        """Exactly so many bytes; with `at_end`, none at the recipe's end."""
        while len(self._buffer) - self._position < count:
            more = self._more()
            if not more:
                if at_end and self._unpacker.eof and self._position == len(self._buffer):
                    return b""
                raise _damaged()
            self._buffer = self._buffer[self._position :] + more
            self._position = 0
        taken = self._buffer[self._position : self._position + count]
        self._position += count
        return taken

    def _more(self) -> bytes:
        try:
            while not self._unpacker.eof:
                packed = self._unpacker.unconsumed_tail or os.read(self._recipe, _CHUNK)
                piece = self._unpacker.decompress(packed, _BUFFER)
                if piece or not packed:
                    return piece
        except zlib.error:
            raise _damaged() from None
        return b""


def _damaged() -> ImageError:
    return ImageError("the recipe of its archive does not fit its files any more")


def _write(file: int, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(file, left) :]
