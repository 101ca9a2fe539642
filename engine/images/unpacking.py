"""Writes a layer's archive into an empty directory, in the form that overlayfs takes.

The archive is an enemy's. Every name is resolved below the directory's descriptor and through no link; what it replaces
is put aside first; devices are left out; owners, modes and times are set on descriptors, or on names in directories
that nobody else can reach. A deleted file becomes a character device 0/0, a directory that hides what is below it gets
trusted.overlay.opaque.
"""

import os
import stat
import struct
from typing import Final

from engine.errors import ImageError
from engine.images import tarheaders
from engine.images.decompression import Unpacked
from engine.images.model import LayerFacts
from engine.images.places import REPLACED, TREE
from engine.images.recipes import Recorder
from engine.images.serialisation import (
    CAPABILITY_ATTRIBUTE,
    OPAQUE_ATTRIBUTE,
    OPAQUE_MARKER,
    WHITEOUT_PREFIX,
    is_kept_attribute,
    is_whiteout,
)
from engine.images.tarstream import Member, TarStream, shown
from engine.images.treehandles import Handle, TreeHandles, status

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_HIGHEST_ID: Final = 2**32 - 2
_LATEST_NS: Final = 2**33 * 1_000_000_000
_DEEPEST: Final = 500  # removing what is deeper would exhaust Python's stack
_RESERVED = WHITEOUT_PREFIX + WHITEOUT_PREFIX
_DOTS = frozenset((b"", b".", b".."))
_ELF32_START = b"\x7fELF\x01"
_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX
_CAPABILITY_REVISION = 0xFF000000
_CAPABILITY_2 = 0x02000000
_CAPABILITY_3 = 0x03000000
_FREE_SHARE = 20
_FREE_BYTES = 2 << 30
_BYTES_BETWEEN_LOOKS = 64 << 20


def unpack(blob: int, home: int) -> tuple[str, LayerFacts]:
    """Unpacks a blob's open file into an empty directory, where the layer's files get a directory `tree`.

    Returns the archive's digest with what is known of the layer. Beside the tree lies what makes the archive again.
    ImageError says what is wrong with the archive; what has been written until then stays, for the caller to remove.
    The process's umask is 0 meanwhile.
    """
    before = os.umask(0)
    recorder = Recorder(home)
    try:
        os.mkdir(TREE, 0o755, dir_fd=home)
        tree = os.open(TREE, _DIRECTORY, dir_fd=home)
        try:
            with Unpacked(blob) as source:
                facts = _written(TarStream(source, recorder.keep), home, tree, recorder)
                return source.diff_id, facts
        finally:
            os.close(tree)
    finally:
        recorder.close()
        os.umask(before)


def _written(archive: TarStream, home: int, tree: int, recorder: Recorder) -> LayerFacts:
    writer = _Writer(archive, home, tree, recorder)
    try:
        for member in archive.members():
            try:
                writer.write(member)
            except OSError as error:
                raise ImageError(f"{shown(member.name)} cannot be written: {error.strerror}") from error
        writer.finish()
        recorder.finish()
    finally:
        writer.close()
    return writer.facts()


class _Writer:
    """The hand that writes."""

    def __init__(self, archive: TarStream, home: int, tree: int, recorder: Recorder) -> None:
        self._archive = archive
        self._home = home
        self._tree = tree
        self._recorder = recorder
        self._has_replaced = False
        self._handles = TreeHandles(tree)
        self._spelt: bytes | None = None
        self._above: bytes | None = None
        self._times: dict[bytes, int] = {}
        self._unwatched_bytes = _BYTES_BETWEEN_LOOKS
        self._bytes = 0
        self._entries = 0
        self._highest_id = 0
        self._privileged = False
        self._elf32 = False

    def facts(self) -> LayerFacts:
        return LayerFacts(
            size_bytes=self._bytes,
            entries=self._entries,
            highest_id=self._highest_id,
            privileged_files=self._privileged,
            elf32=self._elf32,
        )

    def write(self, member: Member) -> None:
        """Writes one entry. O(1)."""
        spelt: bytes | None
        spelt, _, name = member.name.rstrip(b"/").rpartition(b"/")
        if name in _DOTS:
            spelt = None
        if spelt is not None and spelt == self._spelt:  # it lies where the last one lay
            above = self._above
        else:
            *parts, name = _parts(member.name) or [b""]
            if not name:
                _check_root(member)
                return
            above = self._above = _directory_of(parts, member)
            self._spelt = spelt
        if above is None or (name.startswith(_RESERVED) and name != OPAQUE_MARKER):
            return  # an old file system's own notes
        self._entries += 1
        parent = self._handles.made(above)
        if name == OPAQUE_MARKER:
            if not above:
                raise ImageError("the layer hides all layers below it at once, which overlayfs cannot do")
            os.setxattr(parent.fd, OPAQUE_ATTRIBUTE, b"y")
        elif name.startswith(WHITEOUT_PREFIX):
            _put_whiteout(parent.fd, name.removeprefix(WHITEOUT_PREFIX), member)
        else:
            self._put(parent, name, above + b"/" + name if above else name, member)

    def finish(self) -> None:
        """Gives the directories their times, now that nothing changes in them any more."""
        for path, mtime_ns in self._times.items():
            above, _, name = path.rpartition(b"/")
            parent = self._handles.existing(above)
            if parent is None:  # replaced by a later entry
                continue
            try:
                handle = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
            except OSError:  # likewise
                continue
            os.utime(handle, ns=(mtime_ns, mtime_ns))
            os.close(handle)

    def close(self) -> None:
        self._handles.close()

    def _put(self, parent: Handle, name: bytes, path: bytes, member: Member) -> None:
        kind = member.kind
        if kind in {tarheaders.CHARACTER_DEVICE, tarheaders.BLOCK_DEVICE}:
            return
        highest = max(member.uid, member.gid)
        if highest > self._highest_id:
            if highest > _HIGHEST_ID:
                raise ImageError(f"{shown(member.name)} belongs to {member.uid}:{member.gid}, which nobody can be")
            self._highest_id = highest
        if kind == tarheaders.FILE:
            self._put_file(parent, name, path, member)
        elif kind == tarheaders.DIRECTORY:
            self._put_directory(parent.fd, name, path, member)
        elif kind == tarheaders.HARD_LINK:
            self._put_hard_link(parent.fd, name, path, member)
        elif kind == tarheaders.SYMLINK:
            self._make_way(parent.fd, name, path)
            os.symlink(member.link, name, dir_fd=parent.fd)
            _settle_name(parent.fd, name, member)
        elif kind == tarheaders.FIFO:
            self._make_way(parent.fd, name, path)
            os.mkfifo(name, 0o600, dir_fd=parent.fd)
            _settle_name(parent.fd, name, member)
            os.chmod(name, member.mode, dir_fd=parent.fd)  # what was just made, where only we can reach
        else:
            raise ImageError(f"{shown(member.name)} is of a kind that layers do not have: {shown(kind)}")

    def _put_directory(self, parent: int, name: bytes, path: bytes, member: Member) -> None:
        found = status(parent, name)
        opaque = found is not None and is_whiteout(found)
        if found is None or not stat.S_ISDIR(found.st_mode):
            if found is not None:
                self._make_way(parent, name, path)
            os.mkdir(name, 0o700, dir_fd=parent)
        else:
            self._handles.forget(path)
        handle = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            if opaque:
                os.setxattr(handle, OPAQUE_ATTRIBUTE, b"y")
            os.fchown(handle, member.uid, member.gid)
            os.fchmod(handle, member.mode)
            _set_attributes(handle, member)
        finally:
            os.close(handle)
        self._times[path] = _clamped(member.mtime_ns)

    def _put_file(self, parent: Handle, name: bytes, path: bytes, member: Member) -> None:
        mode = member.mode
        try:
            file = os.open(name, _NEW_FILE, mode & 0o777, dir_fd=parent.fd)
        except FileExistsError:
            self._make_way(parent.fd, name, path)
            file = os.open(name, _NEW_FILE, mode & 0o777, dir_fd=parent.fd)
        try:
            if member.size:
                self._recorder.content(path, member.size)
                self._write_content(file, member.size)
            # In this order: a change of owner clears setuid bits, and either clears capabilities.
            if member.uid or member.gid or parent.gives_group:
                os.fchown(file, member.uid, member.gid)
            if mode & _SPECIAL_BITS:
                os.fchmod(file, mode)
            if member.attributes:
                _set_attributes(file, member)
            mtime_ns = _clamped(member.mtime_ns)
            os.utime(file, ns=(mtime_ns, mtime_ns))
        finally:
            os.close(file)
        if mode & (stat.S_ISUID | stat.S_ISGID) or CAPABILITY_ATTRIBUTE in member.attributes:
            self._privileged = True

    def _write_content(self, file: int, size: int) -> None:
        self._unwatched_bytes += size
        if self._unwatched_bytes >= _BYTES_BETWEEN_LOOKS:
            self._unwatched_bytes = 0
            self._check_disk(size)
        start = b""
        for piece in self._archive.content():
            if len(start) < len(_ELF32_START):
                start += piece[: len(_ELF32_START)]
            left = piece
            while left:
                left = left[os.write(file, left) :]
        if start.startswith(_ELF32_START):
            self._elf32 = True
        self._bytes += size

    def _put_hard_link(self, parent: int, name: bytes, path: bytes, member: Member) -> None:
        parts = _parts(member.link)
        missing = ImageError(f"{shown(member.name)} is another name of {shown(member.link)}, which the layer lacks")
        if not parts:
            raise missing
        above = self._handles.existing(b"/".join(parts[:-1]))
        if above is None:
            raise missing
        found = status(above, parts[-1])
        if found is None or stat.S_ISDIR(found.st_mode) or is_whiteout(found):
            raise missing
        existing = status(parent, name)
        if existing is not None:
            if os.path.samestat(found, existing):
                return
            if stat.S_ISDIR(existing.st_mode) and b"/".join(parts).startswith(path + b"/"):
                raise missing  # it would go with the directory
            self._make_way(parent, name, path)
        os.link(parts[-1], name, src_dir_fd=above, dst_dir_fd=parent, follow_symlinks=False)

    def _make_way(self, parent: int, name: bytes, path: bytes) -> None:
        """Takes away what has a name already; what the archive's recipe needs is kept beside the tree."""
        found = status(parent, name)
        if found is None:
            return
        is_directory = stat.S_ISDIR(found.st_mode)
        if is_directory:
            self._handles.forget(path)
            self._times.pop(path, None)
        if is_directory or (stat.S_ISREG(found.st_mode) and found.st_size):
            if not self._has_replaced:
                os.mkdir(REPLACED, 0o700, dir_fd=self._home)
                self._has_replaced = True
            kept = REPLACED + b"/" + self._recorder.replaced(path)
            os.rename(name, kept, src_dir_fd=parent, dst_dir_fd=self._home)
        else:
            os.unlink(name, dir_fd=parent)

    def _check_disk(self, coming_bytes: int) -> None:
        """Keeps a layer from taking the last of the disk."""
        found = os.fstatvfs(self._tree)
        left, whole = found.f_bavail * found.f_frsize - coming_bytes, found.f_blocks * found.f_frsize
        if left < min(whole // _FREE_SHARE, _FREE_BYTES):
            raise ImageError("the disk is almost full", hint="free some space where images are kept")


def _check_root(member: Member) -> None:
    if member.kind != tarheaders.DIRECTORY:
        raise ImageError(f"{shown(member.name)} is no name for a file")


def _directory_of(parts: list[bytes], member: Member) -> bytes | None:
    """The path of the directory that an entry lies in; None when it is among an old file system's own notes."""
    path = b"/".join(parts)
    if WHITEOUT_PREFIX in path:
        if any(part.startswith(_RESERVED) for part in parts):
            return None
        if any(part.startswith(WHITEOUT_PREFIX) for part in parts):
            raise ImageError(f"{shown(member.name)} lies below a name that marks a deleted file")
    return path


def _parts(name: bytes) -> list[bytes]:
    parts = [part for part in name.split(b"/") if part not in {b"", b"."}]
    if b".." in parts:
        raise ImageError(f"{shown(name)} leads out of the layer")
    if len(parts) > _DEEPEST:
        raise ImageError(f"the layer has directories more than {_DEEPEST} deep")
    return parts


def _put_whiteout(parent: int, name: bytes, member: Member) -> None:
    """Marks a file of lower layers as deleted; one of the same name in this layer stays."""
    if name in {b"", b".", b".."}:
        raise ImageError(f"{shown(member.name)} marks no file")
    found = status(parent, name)
    if found is None:
        os.mknod(name, stat.S_IFCHR, 0, dir_fd=parent)
    elif stat.S_ISDIR(found.st_mode):
        handle = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            os.setxattr(handle, OPAQUE_ATTRIBUTE, b"y")
        finally:
            os.close(handle)


def _plain_capability(value: bytes, member: Member) -> bytes:
    """File capabilities without the user namespace that a builder gave them in (capabilities(7), revision 3)."""
    revision = int.from_bytes(value[:4], "little") & _CAPABILITY_REVISION
    if revision == _CAPABILITY_3 and len(value) == 24:
        first, *rest = struct.unpack("<5I", value[:20])
        return struct.pack("<5I", first & ~_CAPABILITY_REVISION | _CAPABILITY_2, *rest)
    if revision == _CAPABILITY_2 and len(value) == 20:
        return value
    raise ImageError(f"{shown(member.name)} has capabilities of an unknown form")


def _settle_name(parent: int, name: bytes, member: Member) -> None:
    """Gives what cannot be opened its owner and time."""
    os.chown(name, member.uid, member.gid, dir_fd=parent, follow_symlinks=False)
    mtime_ns = _clamped(member.mtime_ns)
    os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=parent, follow_symlinks=False)


def _set_attributes(handle: int, member: Member) -> None:
    for key, value in member.attributes.items():
        if key == CAPABILITY_ATTRIBUTE:
            os.setxattr(handle, key, _plain_capability(value, member))
        elif is_kept_attribute(key):
            os.setxattr(handle, key, value)


def _clamped(mtime_ns: int) -> int:
    return max(-_LATEST_NS, min(mtime_ns, _LATEST_NS))
