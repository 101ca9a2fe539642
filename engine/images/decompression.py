"""Turns a layer's blob into the bytes of its archive, whatever it was packed with, within limits."""

import hashlib
import os
from collections.abc import Iterator
from typing import Final

from engine.errors import ImageError
from engine.images.gzips import GzipError, unpacker

_CHUNK = 1 << 20
_GZIP_START = b"\x1f\x8b"
_ZSTD_START = b"\x28\xb5\x2f\xfd"
_ZSTD_LARGEST_WINDOW = 1 << 27
_UNSUSPECTED_BYTES: Final = 100 << 20
_LARGEST_RATIO: Final = 200
_LARGEST_LAYER: Final = 64 << 30


class Unpacked:
    """The archive in a blob's open file, as a source of bytes that counts and digests what passes through."""

    def __init__(self, blob: int) -> None:
        self._packed_bytes = os.fstat(blob).st_size
        self._pieces = _pieces(blob)
        self._rest = memoryview(b"")
        self._digest = hashlib.sha256()
        self._bytes = 0

    @property
    def diff_id(self) -> str:
        """The digest of what has come out so far."""
        return f"sha256:{self._digest.hexdigest()}"

    def some(self, most: int) -> memoryview:
        """At least one byte and at most `most`, or nothing at the end; ImageError for damage, and for bombs."""
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
            self._digest.update(self._rest)
            self._bytes += len(self._rest)
            self._watch()
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece

    def _watch(self) -> None:
        if self._bytes > _LARGEST_LAYER:
            raise ImageError(f"the layer grows beyond {_LARGEST_LAYER >> 30} GiB")
        if self._bytes > max(_UNSUSPECTED_BYTES, _LARGEST_RATIO * self._packed_bytes):
            raise ImageError(f"the layer grows to more than {_LARGEST_RATIO} times its packed size")


def _pieces(blob: int) -> Iterator[bytes]:
    start = os.pread(blob, 4, 0)
    os.lseek(blob, 0, os.SEEK_SET)
    if start.startswith(_GZIP_START):
        return _gunzipped(blob)
    if start == _ZSTD_START:
        return _unzstd(blob)
    return iter(lambda: os.read(blob, _CHUNK), b"")


def _gunzipped(blob: int) -> Iterator[bytes]:
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


def _unzstd(blob: int) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 - few layers need it

    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_LARGEST_WINDOW)
    try:
        with os.fdopen(os.dup(blob), "rb") as file, unpacker.stream_reader(file, read_across_frames=True) as reader:
            while piece := reader.read(_CHUNK):
                yield piece
    except zstandard.ZstdError as error:
        raise ImageError(f"the layer's zstd stream is damaged: {error}") from None
