"""Looks into an archive that nobody trusts: which files it holds, what is in them. Nothing of it gets a name on disk.

Links are followed inside the archive alone, as text.
"""

import hashlib
import os
import posixpath
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from engine.errors import ImageError
from engine.images import tarheaders
from engine.images.decompression import Unpacked
from engine.images.tarstream import TarStream, shown

_CHUNK: Final = 1 << 20
_MOST_FILES: Final = 100_000
_MOST_LINKS: Final = 8
_LARGEST_STREAM: Final = 256 << 30
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_BZIP2, _XZ = b"BZh", b"\xfd7zXZ\x00"


class Part(NamedTuple):
    """Where in an archive's file the content of one of its files lies."""

    offset: int
    size: int


class Bundle:
    """An archive's open file with what it holds, by names without `./`; `links` lead from names to names."""

    def __init__(self, file: int, parts: Mapping[str, Part], links: Mapping[str, str]) -> None:
        self._file = file
        self._parts = parts
        self._links = links

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return self._resolved(name) in self._parts

    def document(self, name: str, most: int) -> bytes:
        """A small file's content; ImageError when it is missing or larger than `most`."""
        part = self._part(name)
        if part.size > most:
            raise ImageError(f"the archive's {shown(name.encode())} has {part.size:,} bytes; {most:,} are the most")
        content = os.pread(self._file, part.size, part.offset)
        if len(content) != part.size:
            raise ImageError("the archive ends in the middle of an entry")
        return content

    def extract(self, name: str, target: int, digest: str = "", size: int = -1) -> None:
        """Copies a file's content to an open one; ImageError unless it has the digest and size that are given."""
        part = self._part(name)
        if size not in {-1, part.size}:
            raise ImageError(f"the archive's {shown(name.encode())} has {part.size:,} bytes instead of {size:,}")
        found = hashlib.sha256()
        position = part.offset
        while position < part.offset + part.size:
            piece = os.pread(self._file, min(_CHUNK, part.offset + part.size - position), position)
            if not piece:
                raise ImageError("the archive ends in the middle of an entry")
            if digest:
                found.update(piece)
            position += len(piece)
            write_all(target, piece)
        if digest and f"sha256:{found.hexdigest()}" != digest:
            raise ImageError(f"the archive's {shown(name.encode())} has other content than its digest names")

    def _part(self, name: str) -> Part:
        part = self._parts.get(self._resolved(name))
        if part is None:
            raise ImageError(f"the archive lacks {shown(name.encode())}, which it speaks of")
        return part

    def _resolved(self, name: str) -> str:
        name = plain_name(name)
        for _ in range(_MOST_LINKS):
            if name not in self._links:
                break
            name = self._links[name]
        return name


@contextmanager
def opened_bundle(file: int, aside: Path) -> Iterator[Bundle]:
    """An open file with all that another one, or a stream, has; bzip2's and xz's packing is taken off."""
    with seekable(file, aside) as whole:
        start = os.pread(whole, 4, 0)
        if not start.startswith(_PACKED):
            yield _read(whole)
            return
        with temporary(aside) as plain:
            with Unpacked(whole) as source:
                while piece := source.some(_CHUNK):
                    write_all(plain, piece)
            yield _read(plain)


@contextmanager
def seekable(file: int, aside: Path) -> Iterator[int]:
    """An open file with all that another one, or a stream, has; the packing of bzip2 and xz is taken off."""
    try:
        start = os.pread(file, 6, 0)
        is_stream = False
    except OSError:  # a pipe
        start, is_stream = b"", True
    if not is_stream and not start.startswith((_BZIP2, _XZ)):
        yield file
        return
    with temporary(aside) as copy:
        for piece in _pieces(file):
            write_all(copy, piece)
        if os.pread(copy, 6, 0).startswith((_BZIP2, _XZ)):
            with temporary(aside) as plain:
                _unpack_old(copy, plain)
                yield plain
            return
        yield copy


@contextmanager
def temporary(aside: Path) -> Iterator[int]:
    """An open file without a name, which goes with the block (open(2), O_TMPFILE)."""
    try:
        file = os.open(aside, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
    except OSError:  # the file system has no files without names
        path = aside / os.urandom(8).hex()
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        path.unlink()
    try:
        yield file
    finally:
        os.close(file)


def write_all(file: int, piece: bytes | memoryview) -> None:
    """Writes everything, in as many calls as it takes."""
    left = memoryview(piece)
    while left:
        left = left[os.write(file, left) :]


def plain_name(name: str) -> str:
    """A name without `./` and the like. ImageError for one that leads out of the archive."""
    plain = posixpath.normpath(name.lstrip("/") or ".")
    if plain == ".." or plain.startswith("../") or "\0" in plain:
        raise ImageError(f"{shown(name.encode(errors='replace'))} leads out of the archive")
    return plain


def _pieces(file: int) -> Iterator[bytes]:
    read = 0
    while piece := os.read(file, _CHUNK):
        read += len(piece)
        if read > _LARGEST_STREAM:
            raise ImageError(f"the archive grows beyond {_LARGEST_STREAM >> 30} GiB")
        yield piece


def _unpack_old(packed: int, plain: int) -> None:
    import bz2  # noqa: PLC0415 -- few archives need it
    import lzma  # noqa: PLC0415 -- likewise

    unpacker: bz2.BZ2Decompressor | lzma.LZMADecompressor
    is_xz = os.pread(packed, 6, 0) == _XZ
    unpacker = lzma.LZMADecompressor(memlimit=1 << 30) if is_xz else bz2.BZ2Decompressor()
    os.lseek(packed, 0, os.SEEK_SET)
    size, largest = 0, max(100 << 20, 1000 * os.fstat(packed).st_size)
    try:
        while not unpacker.eof:
            piece = os.read(packed, _CHUNK) if unpacker.needs_input else b""
            if unpacker.needs_input and not piece:
                raise ImageError("the archive's packing ends too early")
            unpacked = unpacker.decompress(piece, _CHUNK)
            size += len(unpacked)
            if size > min(largest, _LARGEST_STREAM):
                raise ImageError("the archive grows to more than 1000 times its packed size")
            write_all(plain, unpacked)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise ImageError(f"the archive's packing is damaged: {error}") from None


class _Source:
    """A file from its beginning, as tarstream wants it, that knows how far it has been read."""

    def __init__(self, file: int) -> None:
        self._file = file
        self.position = 0

    def some(self, most: int) -> memoryview:
        piece = os.pread(self._file, min(most, _CHUNK), self.position)
        self.position += len(piece)
        return memoryview(piece)


def _read(file: int) -> Bundle:
    if os.fstat(file).st_size < tarheaders.BLOCK:
        raise ImageError("this is no tar archive: it is shorter than its shortest part")
    source = _Source(file)
    archive = TarStream(source, lambda _piece: None)
    parts: dict[str, Part] = {}
    links: dict[str, str] = {}
    for member in archive.members():
        if member.kind == tarheaders.DIRECTORY:
            continue
        name = plain_name(member.name.decode(errors="surrogateescape"))
        if name in parts or name in links:
            raise ImageError(f"the archive has two files called {shown(member.name)}: one of them is meant to deceive")
        if len(parts) + len(links) == _MOST_FILES:
            raise ImageError(f"the archive has more than {_MOST_FILES:,} files: it is no image's")
        target = member.link.decode(errors="surrogateescape")
        if member.kind == tarheaders.FILE:
            parts[name] = Part(source.position, member.size)
        elif member.kind == tarheaders.SYMLINK and not target.startswith("/"):
            links[name] = plain_name(posixpath.join(posixpath.dirname(name), target))
        elif member.kind == tarheaders.HARD_LINK:
            links[name] = plain_name(target)
        else:
            raise ImageError(f"the archive's {shown(member.name)} is of a kind that archives of images do not have")
    return Bundle(file, parts, links)
