"""Unpacks local archives into an image's root (ADD).

The standard library only reads the archive. What it says is written by our own hand, by descriptors inside the root:
links of the archive are not trusted more than those of the image.
"""

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from engine.dockerfiles import placing
from engine.dockerfiles.placing import Attributes, Owner
from engine.dockerfiles.problems import Mistake
from engine.errors import ImageError
from engine.images.decompression import Unpacked

_CHUNK_BYTES = 1 << 20
_ZSTD_START = b"\x28\xb5\x2f\xfd"
_MOST_ENTRIES = 5_000_000
_ATTRIBUTE_KEY = "SCHILY.xattr."


def is_archive(file: int) -> bool:
    """Says whether a file is a tar archive, compressed by gzip, bzip2, xz, zstd or not at all."""
    try:
        with _opened(file) as archive:
            return archive.next() is not None
    except (tarfile.TarError, EOFError, OSError, ImageError):
        return False


def unpack(file: int, root: int, destination: str) -> None:
    """Unpacks below an absolute path inside the root; entries keep their owners."""
    late: list[tuple[str, Attributes]] = []
    try:
        with _opened(file) as archive:
            for count, member in enumerate(archive):
                if count >= _MOST_ENTRIES:
                    raise Mistake(f"the archive has more than {_MOST_ENTRIES:,} entries")
                path = _inside(destination, member.name)
                if not path:
                    continue
                attributes = _attributes(member)
                if member.isdir():
                    late.append((path, attributes))
                    with placing.directory(root, path, Owner()):
                        continue
                _put(archive, member, root, path, destination, attributes)
    except (tarfile.TarError, EOFError) as error:
        raise Mistake(f"the archive cannot be read: {error}") from None
    for path, attributes in reversed(late):
        with placing.directory(root, path, Owner()) as handle:
            placing.put_attributes(handle, attributes)


def _put(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    root: int,
    path: str,
    destination: str,
    attributes: Attributes,
) -> None:
    parent, _, name = path.rpartition("/")
    with placing.directory(root, parent, Owner()) as handle:
        if member.issym():
            placing.put_link(handle, name, member.linkname, attributes)
        elif member.islnk():
            first_parent, _, first_name = _inside(destination, member.linkname).rpartition("/")
            with placing.directory(root, first_parent, Owner()) as first:
                placing.put_hard_link(handle, name, first, first_name)
        elif member.isreg():
            content = archive.extractfile(member)
            if content is not None:
                placing.put_file(handle, name, _chunks(content), attributes)


@contextmanager
def _opened(file: int) -> Iterator[tarfile.TarFile]:
    """A reader from the file's beginning."""
    with io.FileIO(os.open(f"/proc/self/fd/{file}", os.O_RDONLY)) as stream:
        if os.pread(file, 4, 0) == _ZSTD_START:
            packed = cast("IO[bytes]", _Bytes(Unpacked(stream.fileno())))
            with tarfile.open(fileobj=packed, mode="r|", errorlevel=2) as archive:
                yield archive
        else:
            with tarfile.open(fileobj=stream, mode="r:*", errorlevel=2) as archive:
                yield archive


class _Bytes:
    """What comes out of a packed file, as tarfile reads it."""

    def __init__(self, source: Unpacked) -> None:
        self._source = source

    def read(self, count: int) -> bytes:
        pieces = []
        while count and (piece := self._source.some(count)):
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)


def _inside(destination: str, name: str) -> str:
    """An entry's path inside the root; empty for the directory that is unpacked into."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise Mistake(f"the archive's entry {name!r} leads out of where it is unpacked")
    return "/".join((destination.rstrip("/"), *parts)) if parts else ""


def _attributes(member: tarfile.TarInfo) -> Attributes:
    extended = tuple(
        (key.removeprefix(_ATTRIBUTE_KEY), value.encode(errors="surrogateescape"))
        for key, value in member.pax_headers.items()
        if key.startswith(_ATTRIBUTE_KEY + "user.")
    )
    mtime_ns = int(member.mtime) * 1_000_000_000
    return Attributes(member.mode & 0o7777, Owner(member.uid, member.gid), mtime_ns, extended)


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    while chunk := content.read(_CHUNK_BYTES):
        yield chunk
