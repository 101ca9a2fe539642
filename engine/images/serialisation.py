"""A layer's tree as one stream of bytes: the same tree always gives the same stream, so its digest names the layer.

The stream is a tar archive as the OCI image layer specification describes it: sorted names, numeric ids, whiteouts as
`.wh.<name>`, opaque directories with a `.wh..wh..opq` entry. On disk a whiteout is a character device 0/0 and an opaque
directory has the attribute trusted.overlay.opaque, as overlayfs wants them.
"""

import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from engine.errors import ImageError
from engine.images import tarheaders
from engine.images.model import LayerFacts
from engine.images.tarheaders import Entry

WHITEOUT_PREFIX: Final = b".wh."
OPAQUE_MARKER: Final = b".wh..wh..opq"
OPAQUE_ATTRIBUTE: Final = "trusted.overlay.opaque"
CAPABILITY_ATTRIBUTE: Final = "security.capability"

_CHUNK_BYTES = 1 << 20
_ELF32_START = b"\x7fELF\x01"


def digest_tree(tree: int) -> tuple[str, LayerFacts]:
    """The diff id ("sha256:...") of the tree behind a directory's descriptor, with what reading it taught."""
    digest = hashlib.sha256()
    facts = serialise(tree, digest.update)
    return f"sha256:{digest.hexdigest()}", facts


def serialise(tree: int, write: Callable[[bytes | memoryview], object]) -> LayerFacts:
    """Writes the tree behind a directory's descriptor; its root directory itself is not part of the stream."""
    stream = _Stream(write)
    stream.directory(tree, b"")
    write(bytes(2 * tarheaders.BLOCK))
    return LayerFacts(
        size_bytes=stream.size_bytes,
        entries=stream.entries,
        highest_id=stream.highest_id,
        privileged_files=stream.privileged_files,
        elf32=stream.elf32,
    )


class _Stream:
    def __init__(self, write: Callable[[bytes | memoryview], object]) -> None:
        self._write = write
        self._first_names: dict[tuple[int, int], bytes] = {}
        self._buffer = memoryview(bytearray(_CHUNK_BYTES))
        self.size_bytes = 0
        self.entries = 0
        self.highest_id = 0
        self.privileged_files = False
        self.elf32 = False

    def directory(self, directory: int, prefix: bytes) -> None:
        """Writes what a directory contains; `prefix` is its name with a slash, or empty for the root."""
        if prefix and _is_opaque(directory):
            self._entry(Entry(prefix + OPAQUE_MARKER, tarheaders.FILE, 0o644, 0, 0, 0))
        for name in sorted(os.fsencode(name) for name in os.listdir(directory)):
            self._child(directory, prefix, name)

    def _child(self, directory: int, prefix: bytes, name: bytes) -> None:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if is_whiteout(status):
            self._entry(Entry(prefix + WHITEOUT_PREFIX + name, tarheaders.FILE, 0o644, 0, 0, 0))
            return
        if stat.S_ISSOCK(status.st_mode):
            return
        if name.startswith(WHITEOUT_PREFIX):
            raise ImageError(f"a layer cannot hold {os.fsdecode(prefix + name)!r}: names in .wh. mark what was deleted")
        entry = Entry(
            name=prefix + name,
            kind=tarheaders.KINDS[stat.S_IFMT(status.st_mode)],
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
            mtime=int(status.st_mtime_ns // 1_000_000_000),
        )
        self.highest_id = max(self.highest_id, status.st_uid, status.st_gid)
        if not stat.S_ISDIR(status.st_mode) and status.st_nlink > 1:
            first = self._first_names.setdefault((status.st_dev, status.st_ino), entry.name)
            if first != entry.name:
                self._entry(entry._replace(kind=tarheaders.HARD_LINK, link=first))
                return
        match stat.S_IFMT(status.st_mode):
            case stat.S_IFREG:
                self._file(directory, name, entry)
            case stat.S_IFDIR:
                self._subdirectory(directory, name, entry)
            case stat.S_IFLNK:
                self._entry(entry._replace(link=os.readlink(name, dir_fd=directory)))
            case stat.S_IFCHR | stat.S_IFBLK:
                self._entry(entry._replace(device=(os.major(status.st_rdev), os.minor(status.st_rdev))))
            case _:
                self._entry(entry)

    def _subdirectory(self, directory: int, name: bytes, entry: Entry) -> None:
        child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
        try:
            self._entry(entry._replace(name=entry.name + b"/", extended=_kept_attributes(child)))
            self.directory(child, entry.name + b"/")
        finally:
            os.close(child)

    def _file(self, directory: int, name: bytes, entry: Entry) -> None:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory)
        try:
            size = os.fstat(file).st_size
            attributes = _kept_attributes(file)
            if entry.mode & (stat.S_ISUID | stat.S_ISGID) or CAPABILITY_ATTRIBUTE in attributes:
                self.privileged_files = True
            self._entry(entry._replace(size=size, extended=attributes))
            self._content(file, size, entry.name)
        finally:
            os.close(file)

    def _content(self, file: int, size: int, name: bytes) -> None:
        left = size
        while left:
            count = os.readv(file, [self._buffer[: min(left, _CHUNK_BYTES)]])
            if not count:
                raise ImageError(f"the file {os.fsdecode(name)!r} of a layer shrank while it was read")
            if left == size and self._buffer[:5] == _ELF32_START:
                self.elf32 = True
            self._write(self._buffer[:count])
            left -= count
        self._write(tarheaders.padding(size))
        self.size_bytes += size

    def _entry(self, entry: Entry) -> None:
        self.entries += 1
        self._write(tarheaders.header(entry))


def is_whiteout(status: os.stat_result) -> bool:
    """Says whether a file marks a deleted one."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_kept_attribute(name: str) -> bool:
    """Says whether an extended attribute is part of a layer: overlayfs's own and the host's labels are not."""
    return name == CAPABILITY_ATTRIBUTE or (name.startswith("user.") and not name.startswith("user.overlay."))


def _is_opaque(directory: int) -> bool:
    with suppress(OSError):
        return os.getxattr(directory, OPAQUE_ATTRIBUTE) == b"y"
    return False


def _kept_attributes(file: int) -> dict[str, bytes]:
    return {name: os.getxattr(file, name) for name in os.listxattr(file) if is_kept_attribute(name)}
