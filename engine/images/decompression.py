"""Turns a layer's blob into the bytes of its archive, whatever it was packed with, within limits."""

import hashlib
import os
from collections.abc import Generator, Iterator
from contextlib import closing
from queue import SimpleQueue
from threading import Semaphore, Thread
from types import TracebackType
from typing import Final, Self

from engine.errors import ImageError
from engine.images.gzips import GzipError, unpacker

_CHUNK = 1 << 20
_PIECES_AHEAD = 4
_GZIP_START = b"\x1f\x8b"
_ZSTD_START = b"\x28\xb5\x2f\xfd"
_ZSTD_LARGEST_WINDOW = 1 << 27
_UNSUSPECTED_BYTES: Final = 100 << 20
_LARGEST_RATIO: Final = 200
_LARGEST_LAYER: Final = 64 << 30


class Unpacked:
    """The archive in a blob's open file, as a source of bytes that counts and digests what passes through.

    A large blob is unpacked by a thread of its own, some pieces ahead, which ends with the block.
    """

    def __init__(self, blob: int) -> None:
        self._packed_bytes = os.fstat(blob).st_size
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._rest = memoryview(b"")
        self._source = self._watched(_pieces(blob))
        self._ahead = _Ahead(self._source) if self._packed_bytes > _CHUNK else None
        self._pieces = self._ahead.pieces() if self._ahead else self._source

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._ahead:
            self._ahead.end()
        self._source.close()

    @property
    def diff_id(self) -> str:
        """The digest of all that has come out, at its end."""
        return f"sha256:{self._digest.hexdigest()}"

    def some(self, most: int) -> memoryview:
        """At least one byte and at most `most`, or nothing at the end; ImageError for damage, and for bombs."""
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece

    def _watched(self, pieces: Generator[bytes]) -> Generator[bytes]:
        with closing(pieces):
            for piece in pieces:
                self._bytes += len(piece)
                if self._bytes > _LARGEST_LAYER:
                    raise ImageError(f"the layer grows beyond {_LARGEST_LAYER >> 30} GiB")
                if self._bytes > max(_UNSUSPECTED_BYTES, _LARGEST_RATIO * self._packed_bytes):
                    raise ImageError(f"the layer grows to more than {_LARGEST_RATIO} times its packed size")
                self._digest.update(piece)
                yield piece


class _Ahead:
    """Takes pieces in a thread, a few more than were asked for; an empty one is the end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._source = pieces
        self._ready: SimpleQueue[bytes | BaseException] = SimpleQueue()
        self._room = Semaphore(_PIECES_AHEAD)
        self._over = False
        self._thread = Thread(target=self._take, daemon=True)
        self._thread.start()

    def pieces(self) -> Iterator[bytes]:
        """What the source has, or raises."""
        while piece := self._ready.get():
            self._room.release()
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    def end(self) -> None:
        """Returns when the thread has ended."""
        self._over = True
        self._room.release()
        self._thread.join()

    def _take(self) -> None:
        try:
            for piece in self._source:
                self._room.acquire()
                if self._over:
                    return
                self._ready.put(piece)
            self._ready.put(b"")
        except BaseException as error:  # noqa: BLE001 -- raised where the pieces are taken
            self._ready.put(error)


def _pieces(blob: int) -> Generator[bytes]:
    start = os.pread(blob, 4, 0)
    os.lseek(blob, 0, os.SEEK_SET)
    if start.startswith(_GZIP_START):
        return _gunzipped(blob)
    if start == _ZSTD_START:
        return _unzstd(blob)
    return _plain(blob)


def _plain(blob: int) -> Generator[bytes]:
    while piece := os.read(blob, _CHUNK):
        yield piece


def _gunzipped(blob: int) -> Generator[bytes]:
    """What gzip has packed, one member or several (RFC 1952)."""
    member = unpacker()
    packed = os.read(blob, _CHUNK)
    try:
        while packed:
            piece = member.decompress(packed, _CHUNK)
            if piece:
                yield piece
            if member.eof:
                packed = member.unused_data or os.read(blob, _CHUNK)
                if packed and not _GZIP_START.startswith(packed[:2]):
                    raise ImageError("the layer's gzip stream is damaged: something else stands behind it")
                member = unpacker() if packed else member
            else:
                packed = member.unconsumed_tail or os.read(blob, _CHUNK)
        while not member.eof:
            piece = member.decompress(b"", _CHUNK)
            if not piece:
                raise ImageError("the layer's gzip stream ends too early")
            yield piece
    except GzipError as error:
        raise ImageError(f"the layer's gzip stream is damaged: {error}") from None


def _unzstd(blob: int) -> Generator[bytes]:
    import zstandard  # noqa: PLC0415 - few layers need it

    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_LARGEST_WINDOW)
    try:
        with os.fdopen(os.dup(blob), "rb") as file, unpacker.stream_reader(file, read_across_frames=True) as reader:
            while piece := reader.read(_CHUNK):
                yield piece
    except zstandard.ZstdError as error:
        raise ImageError(f"the layer's zstd stream is damaged: {error}") from None
