"""gzip in and out (RFC 1952), by the fastest library that is there. The one place that imports isal.

Intel's library unpacks at two to three times the speed of zlib and packs at five times; where there is none for the
processor, zlib does the same.
"""

import zlib
from typing import Any, Final, Protocol

_library: Any
try:
    from isal import isal_zlib as _library

    _LEVEL = 3
except ImportError:  # no build for this processor
    _library = zlib
    _LEVEL = 5

GzipError: Final[type[Exception]] = _library.error
_GZIP_FORMAT = 16 + zlib.MAX_WBITS


class Unpacker(Protocol):
    """zlib's decompression object."""

    unused_data: bytes
    unconsumed_tail: bytes
    eof: bool

    def decompress(self, packed: bytes, max_length: int = 0, /) -> bytes:
        """At most so many bytes; what was not needed for them stands in `unconsumed_tail`."""


class Packer(Protocol):
    """zlib's compression object."""

    def compress(self, plain: bytes | memoryview, /) -> bytes:
        """What is ready of the packed bytes."""

    def flush(self) -> bytes:
        """The rest."""


def unpacker() -> Unpacker:
    """Unpacks one member; `GzipError` says that it is damaged."""
    made: Unpacker = _library.decompressobj(_GZIP_FORMAT)
    return made


def packer() -> Packer:
    """Packs one member whose header says neither when nor what: the same bytes are always packed alike."""
    made: Packer = _library.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_FORMAT)
    return made
