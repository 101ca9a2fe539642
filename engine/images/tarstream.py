"""Reads a tar archive from a stream that nobody trusts: ustar, pax records and GNU's long names, all within limits.

Names and values stay bytes. What follows a header in the archive has to be read, or is skipped, before the next one.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, Protocol

from engine.errors import ImageError
from engine.images import tarheaders
from engine.images.tarheaders import BLOCK

MOST_ENTRIES: Final = 5_000_000
_LONGEST_RECORDS = 1 << 20
_LONGEST_NAME = 4096
_LARGEST_FILE: Final = 64 << 30
_CONTENT_KINDS = frozenset((b"0", b"\0", b"7"))
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK, _SPARSE = b"x", b"g", b"L", b"K", b"S"
_EXTRA_KINDS = frozenset((_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK))
_XATTR = b"SCHILY.xattr."
_OCTAL_DIGITS = b"01234567"
_NANOSECONDS = 1_000_000_000


class Source(Protocol):
    """Where bytes come from."""

    def some(self, most: int) -> memoryview:
        """At least one byte and at most `most`, or nothing at the end."""


class Member(NamedTuple):
    """An entry as its headers describe it; `kind` as in engine.images.tarheaders. A regular file's content follows."""

    name: bytes
    kind: bytes
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    size: int
    link: bytes
    attributes: dict[str, bytes]


class TarStream:
    """One pass over an archive. Whatever is wrong with it is an ImageError.

    `keep` is given all of the archive's bytes, in their order, but those that `content` gives.
    """

    def __init__(self, source: Source, keep: Callable[[bytes | memoryview], object]) -> None:
        self._source = source
        self._keep = keep
        self._content_left = 0
        self._padding = 0

    def members(self) -> Iterator[Member]:
        """The entries in their order, up to the archive's end; what stands behind it is only kept."""
        count = 0
        while True:
            self._skip_content()
            member = self._next()
            if member is None:
                break
            count += 1
            if count > MOST_ENTRIES:
                raise ImageError(f"the archive has more than {MOST_ENTRIES:,} entries")
            yield member
        while rest := self._source.some(1 << 20):
            self._keep(rest)

    def content(self) -> Iterator[memoryview]:
        """The present entry's content in pieces."""
        while self._content_left:
            piece = self._source.some(min(self._content_left, 1 << 20))
            if not piece:
                raise _truncated()
            self._content_left -= len(piece)
            yield piece

    def _skip_content(self) -> None:
        for piece in self.content():
            self._keep(piece)
        if self._padding:
            self._exactly(self._padding)
            self._padding = 0

    def _next(self) -> Member | None:
        records: dict[bytes, bytes] = {}
        name = link = b""
        extra_bytes = 0
        while True:
            block = self._block()
            if block is None:
                return None
            kind = block[156:157]
            size = _number(block[124:136], "size")
            if kind in _EXTRA_KINDS:
                extra_bytes += size
                if extra_bytes > _LONGEST_RECORDS:
                    most = f"{_LONGEST_RECORDS:,} bytes are the most"
                    raise ImageError(f"the archive has an entry with headers of {extra_bytes:,} bytes; {most}")
            if kind == _PAX:
                records.update(_records(self._extra(size)))
            elif kind == _PAX_GLOBAL:
                self._extra(size)
            elif kind == _LONG_NAME:
                name = self._extra(size).rstrip(b"\0")
            elif kind == _LONG_LINK:
                link = self._extra(size).rstrip(b"\0")
            else:
                return self._member(block, kind, size, records, name=name, link=link)

    def _member(
        self, block: bytes, kind: bytes, size: int, records: dict[bytes, bytes], *, name: bytes, link: bytes
    ) -> Member:
        if kind == _SPARSE or any(key.startswith(b"GNU.sparse.") for key in records):
            raise ImageError("the archive has a sparse file, which layers do not have")
        name = records.get(b"path") or name or _ustar_name(block)
        link = records.get(b"linkpath") or link or block[157:257].partition(b"\0")[0]
        for text in (name, link):
            if len(text) > _LONGEST_NAME or b"\0" in text:
                raise ImageError(f"the archive has a name that no file can have: {shown(text[:60])}...")
        attributes = {
            key.removeprefix(_XATTR).decode(errors="surrogateescape"): value
            for key, value in records.items()
            if key.startswith(_XATTR) and b"\0" not in key
        }
        if b"size" in records:
            size = _decimal(records[b"size"], "size")
        if kind in _CONTENT_KINDS:
            kind = tarheaders.DIRECTORY if name.endswith(b"/") else tarheaders.FILE
        if kind == tarheaders.FILE:
            if size > _LARGEST_FILE:
                raise ImageError(f"the archive says that {shown(name)} has {size:,} bytes")
            self._content_left, self._padding = size, -size % BLOCK
        elif kind not in {tarheaders.HARD_LINK, tarheaders.SYMLINK, tarheaders.DIRECTORY} and size:
            raise ImageError(f"the archive's entry {shown(name)} has content where there can be none")
        return Member(
            name=name,
            kind=kind,
            mode=_number(block[100:108], "mode") & 0o7777,
            uid=_decimal(records[b"uid"], "uid") if b"uid" in records else _number(block[108:116], "uid"),
            gid=_decimal(records[b"gid"], "gid") if b"gid" in records else _number(block[116:124], "gid"),
            mtime_ns=_time(records[b"mtime"])
            if b"mtime" in records
            else _number(block[136:148], "mtime", signed=True) * _NANOSECONDS,
            size=size if kind == tarheaders.FILE else 0,
            link=link,
            attributes=attributes,
        )

    def _block(self) -> bytes | None:
        """The next header block; None at the end: a block of zeros, or no more blocks."""
        first = self._source.some(BLOCK)
        if not first:
            return None
        block = bytes(first)
        self._keep(block)
        if len(block) < BLOCK:
            block += self._exactly(BLOCK - len(block))
        if not block.strip(b"\0"):
            return None
        total = sum(block) - sum(block[148:156]) + 8 * 32
        said = block[148:156].strip(b" \0")
        if said.strip(_OCTAL_DIGITS) or int(said or b"0", 8) != total:
            raise ImageError("this is no tar archive, or a damaged one: a header's checksum is wrong")
        return block

    def _extra(self, size: int) -> bytes:
        content = self._exactly(size)
        self._exactly(-size % BLOCK)
        return content

    def _exactly(self, count: int) -> bytes:
        pieces = []
        while count:
            piece = self._source.some(count)
            if not piece:
                raise _truncated()
            self._keep(piece)
            pieces.append(bytes(piece))
            count -= len(piece)
        return b"".join(pieces)


def shown(name: bytes) -> str:
    """A name as messages quote it: nothing in it reaches a terminal as it is."""
    return repr(name)[1:]


def _truncated() -> ImageError:
    return ImageError("the archive ends in the middle of an entry")


def _ustar_name(block: bytes) -> bytes:
    name = block[0:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _number(field: bytes, what: str, *, signed: bool = False) -> int:
    """A header's number: octal digits, or GNU's form for large ones, base 256 behind a set bit."""
    if field[0] & 0x80:
        number = int.from_bytes(field, "big", signed=True)
        number = number & ((1 << (8 * len(field) - 1)) - 1) if number < 0 and field[0] == 0x80 else number
        if number < 0 and not signed:
            raise ImageError(f"the archive has an entry with a negative {what}")
        return number
    digits = field.strip(b" \0")
    if digits.strip(_OCTAL_DIGITS):  # int() takes signs, prefixes and underscores
        raise ImageError(f"the archive has an entry whose {what} is no number")
    return int(digits or b"0", 8)


def _decimal(text: bytes, what: str) -> int:
    if not text.isdigit() or len(text) > 20:
        raise ImageError(f"the archive has an entry whose {what} is no number")
    return int(text)


def _time(text: bytes) -> int:
    """A pax time, decimal seconds, in nanoseconds."""
    negative = text.startswith(b"-")
    whole, _, rest = text.removeprefix(b"-").partition(b".")
    nanoseconds = _decimal(whole or b"0", "mtime") * _NANOSECONDS + _decimal(rest[:9].ljust(9, b"0"), "mtime")
    return -nanoseconds if negative else nanoseconds


def _records(text: bytes) -> dict[bytes, bytes]:
    """The records of a pax header: "<length> <key>=<value>" with a line's end each."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(text):
        digits, space, _ = text[position : position + 12].partition(b" ")
        end = position + int(digits) if digits.isdigit() else 0
        key, equals, value = text[position + len(digits) + 1 : end - 1].partition(b"=")
        if not space or end > len(text) or end <= position + len(digits) + 1 or not equals or text[end - 1] != 0x0A:
            raise ImageError("the archive has a damaged pax header")
        records[key] = value
        position = end
    return records
