"""Writes a layer's archive into an empty directory, in the form that overlayfs takes.

The archive is an enemy's. Every name is resolved below the directory's descriptor and through no link; what it replaces
is removed first; devices are left out; owners, modes and times are set on descriptors. A deleted file becomes a
character device 0/0, a directory that hides what is below it gets trusted.overlay.opaque.
"""

import errno
import os
import stat
import struct
from contextlib import suppress
from typing import Final

from engine.errors import ImageError, SyscallError
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
from engine.syscalls import Resolve, openat2

_BELOW = Resolve.BENEATH | Resolve.NO_SYMLINKS
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_HIGHEST_ID: Final = 2**32 - 2
_LATEST_NS: Final = 2**33 * 1_000_000_000
_DEEPEST: Final = 500  # removing what is deeper would exhaust Python's stack
_RESERVED = WHITEOUT_PREFIX + WHITEOUT_PREFIX
_ELF32_START = b"\x7fELF\x01"
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
    """
    source = Unpacked(blob)
    recorder = Recorder(home)
    os.mkdir(TREE, 0o700, dir_fd=home)
    tree = os.open(TREE, _DIRECTORY, dir_fd=home)
    os.fchmod(tree, 0o755)
    archive = TarStream(source, recorder.keep)
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
        recorder.close()
        os.close(tree)
    return source.diff_id, writer.facts()


class _Writer:
    """The hand that writes. It holds the directory that was written into last: archives stay where they are."""

    def __init__(self, archive: TarStream, home: int, tree: int, recorder: Recorder) -> None:
        self._archive = archive
        self._home = home
        self._tree = tree
        self._recorder = recorder
        self._has_replaced = False
        self._at: bytes | None = None
        self._handle = -1
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
        """Writes one entry. O(1), but for what it replaces."""
        parts = _parts(member.name)
        if not parts:
            self._write_root(member)
            return
        *above, name = parts
        if any(part.startswith(_RESERVED) for part in above) or (name.startswith(_RESERVED) and name != OPAQUE_MARKER):
            return  # an old file system's own notes
        if any(part.startswith(WHITEOUT_PREFIX) for part in above):
            raise ImageError(f"{shown(member.name)} lies below a name that marks a deleted file")
        self._entries += 1
        parent = self._directory(b"/".join(above))
        if name == OPAQUE_MARKER:
            if not above:
                raise ImageError("the layer hides all layers below it at once, which overlayfs cannot do")
            os.setxattr(parent, OPAQUE_ATTRIBUTE, b"y")
        elif name.startswith(WHITEOUT_PREFIX):
            _put_whiteout(parent, name.removeprefix(WHITEOUT_PREFIX), member)
        else:
            self._put(parent, name, b"/".join(parts), member)

    def finish(self) -> None:
        """Gives the directories their times, now that nothing changes in them any more."""
        for path, mtime_ns in self._times.items():
            with suppress(SyscallError):  # replaced by a later entry
                handle = openat2(self._tree, path or b".", _DIRECTORY, _BELOW)
                try:
                    os.utime(handle, ns=(mtime_ns, mtime_ns))
                finally:
                    os.close(handle)

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._handle, self._at = -1, None

    def _write_root(self, member: Member) -> None:
        if member.kind != tarheaders.DIRECTORY:
            raise ImageError(f"{shown(member.name)} is no name for a file")

    def _put(self, parent: int, name: bytes, path: bytes, member: Member) -> None:
        if member.kind in {tarheaders.CHARACTER_DEVICE, tarheaders.BLOCK_DEVICE}:
            return
        if max(member.uid, member.gid) > _HIGHEST_ID:
            raise ImageError(f"{shown(member.name)} belongs to {member.uid}:{member.gid}, which nobody can be")
        self._highest_id = max(self._highest_id, member.uid, member.gid)
        match member.kind:
            case tarheaders.DIRECTORY:
                self._put_directory(parent, name, path, member)
            case tarheaders.FILE:
                self._make_way(parent, name, path)
                self._put_file(parent, name, path, member)
            case tarheaders.SYMLINK:
                self._make_way(parent, name, path)
                os.symlink(member.link, name, dir_fd=parent)
                self._settle_name(parent, name, member)
            case tarheaders.HARD_LINK:
                self._put_hard_link(parent, name, path, member)
            case tarheaders.FIFO:
                self._make_way(parent, name, path)
                os.mkfifo(name, 0o600, dir_fd=parent)
                self._settle_name(parent, name, member)
                os.chmod(name, member.mode, dir_fd=parent)  # what was just made, in a directory that only we can reach
            case _:
                raise ImageError(f"{shown(member.name)} is of a kind that layers do not have: {shown(member.kind)}")

    def _put_directory(self, parent: int, name: bytes, path: bytes, member: Member) -> None:
        found = _status(parent, name)
        opaque = found is not None and is_whiteout(found)
        if found is None or not stat.S_ISDIR(found.st_mode):
            if found is not None:
                self._make_way(parent, name, path)
            os.mkdir(name, 0o700, dir_fd=parent)
        handle = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            if opaque:
                os.setxattr(handle, OPAQUE_ATTRIBUTE, b"y")
            self._settle(handle, member)
        finally:
            os.close(handle)
        self._times[path] = _clamped(member.mtime_ns)

    def _put_file(self, parent: int, name: bytes, path: bytes, member: Member) -> None:
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=parent)
        try:
            if member.size:
                self._recorder.content(path, member.size)
            first = True
            for piece in self._archive.content():
                if first:
                    self._elf32 = self._elf32 or bytes(piece[:5]) == _ELF32_START
                    first = False
                self._watch_disk(len(piece))
                left = piece
                while left:
                    left = left[os.write(file, left) :]
            self._bytes += member.size
            self._settle(file, member)
            mtime_ns = _clamped(member.mtime_ns)
            os.utime(file, ns=(mtime_ns, mtime_ns))
            if member.mode & (stat.S_ISUID | stat.S_ISGID) or CAPABILITY_ATTRIBUTE in member.attributes:
                self._privileged = True
        finally:
            os.close(file)

    def _put_hard_link(self, parent: int, name: bytes, path: bytes, member: Member) -> None:
        parts = _parts(member.link)
        missing = ImageError(f"{shown(member.name)} is another name of {shown(member.link)}, which the layer lacks")
        if not parts:
            raise missing
        try:
            above = openat2(self._tree, b"/".join(parts[:-1]) or b".", _DIRECTORY, _BELOW)
        except SyscallError:
            raise missing from None
        try:
            found = _status(above, parts[-1])
            if found is None or stat.S_ISDIR(found.st_mode) or is_whiteout(found):
                raise missing
            existing = _status(parent, name)
            if existing is not None and os.path.samestat(found, existing):
                return
            self._make_way(parent, name, path)
            try:
                os.link(parts[-1], name, src_dir_fd=above, dst_dir_fd=parent, follow_symlinks=False)
            except FileNotFoundError:
                raise missing from None
        finally:
            os.close(above)

    def _settle(self, handle: int, member: Member) -> None:
        """Gives an open file its owner, mode and attributes, in this order: a change of owner clears setuid bits."""
        os.fchown(handle, member.uid, member.gid)
        os.fchmod(handle, member.mode)
        for key, value in member.attributes.items():
            if key == CAPABILITY_ATTRIBUTE:
                os.setxattr(handle, key, _plain_capability(value, member))
            elif is_kept_attribute(key):
                os.setxattr(handle, key, value)

    @staticmethod
    def _settle_name(parent: int, name: bytes, member: Member) -> None:
        """The same for what cannot be opened."""
        os.chown(name, member.uid, member.gid, dir_fd=parent, follow_symlinks=False)
        mtime_ns = _clamped(member.mtime_ns)
        os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=parent, follow_symlinks=False)

    def _make_way(self, parent: int, name: bytes, path: bytes) -> None:
        """Takes away what has a name already; what the archive's recipe needs is kept beside the tree."""
        found = _status(parent, name)
        if found is None:
            return
        is_directory = stat.S_ISDIR(found.st_mode)
        if is_directory:
            self._at = None  # it may be, or lie below, what is taken away
        if is_directory or (stat.S_ISREG(found.st_mode) and found.st_size):
            if not self._has_replaced:
                os.mkdir(REPLACED, 0o700, dir_fd=self._home)
                self._has_replaced = True
            kept = REPLACED + b"/" + self._recorder.replaced(path)
            os.rename(name, kept, src_dir_fd=parent, dst_dir_fd=self._home)
        else:
            os.unlink(name, dir_fd=parent)

    def _directory(self, path: bytes) -> int:
        """A descriptor of the directory at a path, which stays ours; what is missing is made."""
        if self._at == path:
            return self._handle
        try:
            handle = openat2(self._tree, path or b".", _DIRECTORY, _BELOW)
        except SyscallError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTDIR}:
                raise _no_directory(path) from None
            handle = self._made(path)
        self.close()
        self._handle, self._at = handle, path
        return handle

    def _made(self, path: bytes) -> int:
        handle = openat2(self._tree, b".", _DIRECTORY, _BELOW)
        try:
            for part in path.split(b"/"):
                found = _status(handle, part)
                opaque = found is not None and is_whiteout(found)
                if opaque:
                    os.unlink(part, dir_fd=handle)
                if found is None or opaque:
                    os.mkdir(part, 0o755, dir_fd=handle)
                below = _child(handle, part, path)
                os.close(handle)
                handle = below
                if found is None or opaque:
                    os.fchmod(handle, 0o755)
                if opaque:
                    os.setxattr(handle, OPAQUE_ATTRIBUTE, b"y")
        except BaseException:
            os.close(handle)
            raise
        return handle

    def _watch_disk(self, count: int) -> None:
        """Keeps a layer from taking the last of the disk."""
        self._unwatched_bytes += count
        if self._unwatched_bytes < _BYTES_BETWEEN_LOOKS:
            return
        self._unwatched_bytes = 0
        found = os.fstatvfs(self._tree)
        left, whole = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
        if left < min(whole // _FREE_SHARE, _FREE_BYTES):
            raise ImageError("the disk is almost full", hint="free some space where images are kept")


def _child(parent: int, name: bytes, path: bytes) -> int:
    try:
        return os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    except OSError:
        raise _no_directory(path) from None


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
    found = _status(parent, name)
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


def _status(parent: int, name: bytes) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _clamped(mtime_ns: int) -> int:
    return max(-_LATEST_NS, min(mtime_ns, _LATEST_NS))


def _no_directory(path: bytes) -> ImageError:
    return ImageError(f"the layer has files below {shown(path)}, which is no directory")
