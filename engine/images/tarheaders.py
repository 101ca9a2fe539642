"""One entry of a tar archive as bytes: ustar headers, extended by pax records where ustar is too small (tar(5))."""

import stat
from collections.abc import Mapping
from typing import Final, NamedTuple

BLOCK: Final = 512

FILE: Final = b"0"
HARD_LINK: Final = b"1"
SYMLINK: Final = b"2"
CHARACTER_DEVICE: Final = b"3"
BLOCK_DEVICE: Final = b"4"
DIRECTORY: Final = b"5"
FIFO: Final = b"6"
# What an entry is, by the type of a file (S_IFMT of its mode); sockets have no place in archives.
KINDS: Final[Mapping[int, bytes]] = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFCHR: CHARACTER_DEVICE,
    stat.S_IFBLK: BLOCK_DEVICE,
    stat.S_IFIFO: FIFO,
}
_PAX: Final = b"x"

_NAME_BYTES = 100
_ID_DIGITS = 7
_TIME_DIGITS = 11
_NANOSECONDS = 1_000_000_000


class Entry(NamedTuple):
    """What a header says. `mode` holds permission bits alone, `mtime` is in seconds, `extended` maps xattrs.

    `mtime_ns` are the nanoseconds after `mtime`.
    """

    name: bytes
    kind: bytes
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int = 0
    link: bytes = b""
    device: tuple[int, int] = (0, 0)
    extended: Mapping[str, bytes] = {}
    mtime_ns: int = 0


def header(entry: Entry) -> bytes:
    """The entry's header blocks; the content, padded to whole blocks, is the caller's to write."""
    records = _records(entry)
    blocks = b""
    if records:
        blocks = _block(Entry(b"pax", _PAX, 0o644, 0, 0, 0, len(records))) + records + padding(len(records))
    return blocks + _block(entry)


def padding(size: int) -> bytes:
    """The zeros that fill up the last block of `size` bytes."""
    return bytes(-size % BLOCK)


def _records(entry: Entry) -> bytes:
    values: dict[bytes, bytes] = {}
    if len(entry.name) > _NAME_BYTES:
        values[b"path"] = entry.name
    if len(entry.link) > _NAME_BYTES:
        values[b"linkpath"] = entry.link
    for key, number, digits in (
        (b"uid", entry.uid, _ID_DIGITS),
        (b"gid", entry.gid, _ID_DIGITS),
        (b"size", entry.size, _TIME_DIGITS),
        (b"mtime", entry.mtime, _TIME_DIGITS),
    ):
        if not 0 <= number < 8**digits:
            values[key] = b"%d" % number
    if entry.mtime_ns:
        values[b"mtime"] = _seconds(entry.mtime * _NANOSECONDS + entry.mtime_ns)
    for name, value in entry.extended.items():
        values[b"SCHILY.xattr." + name.encode()] = value
    return b"".join(_record(key, values[key]) for key in sorted(values))


def _seconds(nanoseconds: int) -> bytes:
    """Decimal seconds, as pax has them."""
    whole, rest = divmod(abs(nanoseconds), _NANOSECONDS)
    return b"%s%d.%09d" % (b"-" if nanoseconds < 0 else b"", whole, rest)


def _record(key: bytes, value: bytes) -> bytes:
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if rest + len(str(length)) != length:
        length += 1
    return b"%d %s=%s\n" % (length, key, value)


def _block(entry: Entry) -> bytes:
    block = bytearray(BLOCK)
    block[0:100] = entry.name[:_NAME_BYTES].ljust(100, b"\0")
    block[100:108] = _octal(entry.mode, 7)
    block[108:116] = _octal(entry.uid, _ID_DIGITS)
    block[116:124] = _octal(entry.gid, _ID_DIGITS)
    block[124:136] = _octal(entry.size, _TIME_DIGITS)
    block[136:148] = _octal(entry.mtime, _TIME_DIGITS)
    block[148:156] = b" " * 8
    block[156:157] = entry.kind
    block[157:257] = entry.link[:_NAME_BYTES].ljust(100, b"\0")
    block[257:265] = b"ustar\x0000"
    block[329:337] = _octal(entry.device[0], 7)
    block[337:345] = _octal(entry.device[1], 7)
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _octal(number: int, digits: int) -> bytes:
    """The number as a field, or 0 where it does not fit: a pax record has it then."""
    if not 0 <= number < 8**digits:
        number = 0
    return b"%0*o\0" % (digits, number)
