"""Writes a tar archive as files below a directory, whoever made the archive.

Files are written under another name and renamed into place, so that nobody ever sees half of one and nothing is
written through a link; what is there and is no file is refused, not removed. Devices are left out.
"""

import errno
import os
import stat
from contextlib import ExitStack, suppress
from typing import NamedTuple

from engine import syscalls
from engine.copies import holes
from engine.copies.destinations import find_place
from engine.copies.places import Wish, decide
from engine.copies.removing import remove
from engine.copies.settling import (
    Owner,
    Rules,
    clamped,
    enter_directory,
    failure,
    settle,
    settle_directory,
)
from engine.errors import CopyError, SyscallError
from engine.images import tarheaders
from engine.images.tarstream import Member, TarStream, shown
from engine.syscalls import AT_FDCWD, Resolve

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Received(NamedTuple):
    """What was written: entries, bytes, and what was left out and why."""

    entries: int
    size_bytes: int
    left_out: tuple[str, ...]


def receive(archive: TarStream, wish: Wish, rules: Rules) -> Received:
    """Writes one source, whose entry is called ".", where the wish says; CopyError when it cannot be."""
    members = archive.members()
    first = next(members, None)
    if first is None:
        raise CopyError("nothing came to be copied")
    top, name = _begin(first, wish, rules)
    writer = _Writer(archive, top, rules, wish.destination)
    try:
        if name:
            writer.put(top, name, first)
        for member in members:
            if name or not member.name.startswith(b"./"):
                raise CopyError(f"the archive has an entry {shown(member.name)} outside of what is copied")
            writer.write(member._replace(name=member.name[2:]))
        writer.finish()
        return writer.received()
    finally:
        writer.close()
        os.close(top)


def receive_all(archive: TarStream, directory: str, rules: Rules) -> Received:
    """Writes whatever an archive holds below a directory that exists."""
    try:
        top = syscalls.openat2(AT_FDCWD, directory, _DIRECTORY, rules.resolve)
    except SyscallError as error:
        reason = "it is no directory" if error.errno == errno.ENOTDIR else os.strerror(error.errno)
        raise CopyError(f"cannot unpack into {directory}: {reason}", hint="name a directory that exists") from None
    writer = _Writer(archive, top, rules, directory)
    try:
        for member in archive.members():
            writer.write(member)
        writer.finish()
        return writer.received()
    finally:
        writer.close()
        os.close(top)


def _begin(member: Member, wish: Wish, rules: Rules) -> tuple[int, bytes]:
    """The directory that all goes below, made if need be, and the name in it that a single file gets (or none)."""
    if member.name not in {b".", b"./"}:
        raise CopyError(f"the archive begins with {shown(member.name)}")
    directory = member.kind == tarheaders.DIRECTORY
    there, place, last = find_place(wish.destination, rules.resolve)
    with ExitStack() as undo:
        try:
            answer = decide(wish, directory=directory, there=there)
            handle = os.open(".", _DIRECTORY, dir_fd=place)
            undo.callback(os.close, handle)
            name = os.fsencode(wish.name) if answer == "inside" else last
            if answer == "itself":
                name = b""
                if rules.owner is None:
                    settle_directory(handle, member, rules)
            elif directory:
                return enter_directory(handle, name, member, rules, wish.destination), b""
        except OSError as error:
            raise failure(wish.destination, error) from error
        finally:
            os.close(place)
        undo.pop_all()
    return handle, name


class _Writer:
    """Writes entries below one directory. It holds the one that was written into last: archives stay where they are."""

    def __init__(self, archive: TarStream, top: int, rules: Rules, destination: str) -> None:
        self._archive = archive
        self._top = top
        self._rules = rules
        self._destination = destination
        self._at = b""
        self._handle = -1
        self._times: dict[bytes, int] = {}
        self._left_out: list[str] = []
        self._entries = 0
        self._bytes = 0

    def received(self) -> Received:
        """What was written."""
        return Received(self._entries, self._bytes, tuple(self._left_out))

    def write(self, member: Member) -> None:
        """Writes one entry."""
        parts = [part for part in member.name.split(b"/") if part not in {b"", b"."}]
        if b".." in parts:
            raise CopyError(f"the archive's entry {shown(member.name)} leads elsewhere")
        if not parts:
            return
        *above, name = parts
        try:
            self._put(self._directory(b"/".join(above)), name, b"/".join(parts), member)
        except OSError as error:
            raise failure(f"{self._destination.rstrip('/')}/{os.fsdecode(b'/'.join(parts))}", error) from error

    def put(self, parent: int, name: bytes, member: Member) -> None:
        """Writes the only entry of a copy under a name of its own."""
        try:
            self._put(parent, name, name, member)
        except OSError as error:
            raise failure(self._destination, error) from error

    def finish(self) -> None:
        """Gives the directories their times, now that nothing changes in them any more."""
        for path, mtime_ns in self._times.items():
            try:
                handle = syscalls.openat2(self._top, path, _DIRECTORY, self._rules.below)
            except SyscallError:  # replaced by a later entry, or by somebody else
                continue
            try:
                os.utime(handle, ns=(mtime_ns, mtime_ns))
            finally:
                os.close(handle)

    def close(self) -> None:
        """Lets go of the directory that was written into last."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _put(self, parent: int, name: bytes, path: bytes, member: Member) -> None:
        self._entries += 1
        match member.kind:
            case tarheaders.DIRECTORY:
                os.close(enter_directory(parent, name, member, self._rules, f"{self._destination}/{os.fsdecode(path)}"))
                self._times[path] = clamped(member.mtime_ns)
            case tarheaders.FILE:
                self._clear(parent, name)
                self._put_file(parent, name, member)
            case tarheaders.SYMLINK:
                self._clear(parent, name)
                draft = _draft()
                os.symlink(member.link, draft, dir_fd=parent)
                self._settle_name(parent, draft, name, member)
            case tarheaders.HARD_LINK:
                self._clear(parent, name)
                self._put_second_name(parent, name, member)
            case tarheaders.FIFO:
                self._clear(parent, name)
                draft = _draft()
                os.mkfifo(draft, member.mode & 0o777, dir_fd=parent)
                self._settle_name(parent, draft, name, member)
            case _:
                self._entries -= 1
                self._left_out.append(f"{os.fsdecode(path)} is a device, or something else that is not copied")

    def _clear(self, parent: int, name: bytes) -> None:
        """Refuses to replace a directory by something else, unless the rules say so."""
        try:
            mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(mode):
            return
        if not self._rules.replace:
            raise CopyError(f"{shown(name)} is a directory at the destination, and none in what is copied")
        remove(parent, name)
        self._at, self._times = b"\0", {}

    def _put_file(self, parent: int, name: bytes, member: Member) -> None:
        draft = _draft()
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent)
        try:
            self._fill(file, member)
            settle(file, member, self._rules)
            mtime_ns = clamped(member.mtime_ns)
            os.utime(file, ns=(mtime_ns, mtime_ns))
            self._take_place(parent, draft, name, file)
        except BaseException:
            os.unlink(draft, dir_fd=parent)
            raise
        finally:
            os.close(file)
        self._bytes += member.size

    def _fill(self, file: int, member: Member) -> None:
        described = member.attributes.get(holes.HOLES) if self._rules.trusted else None
        if described is None:
            for piece in self._archive.content():
                _write_all(file, piece)
            return
        size, ranges = holes.parsed(described, member.size)
        os.ftruncate(file, size)
        left = iter(ranges)
        offset = length = 0
        for piece in self._archive.content():
            rest = piece
            while rest:
                if not length:
                    offset, length = next(left)
                part, rest = rest[:length], rest[length:]
                os.lseek(file, offset, os.SEEK_SET)
                _write_all(file, part)
                offset, length = offset + len(part), length - len(part)

    @staticmethod
    def _take_place(parent: int, draft: bytes, name: bytes, file: int) -> None:
        """Renames a new file over an old one; where something is mounted on the old one, its content is replaced."""
        try:
            os.rename(draft, name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        else:
            return
        mounted = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
        reading = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            if not stat.S_ISREG(os.fstat(mounted).st_mode) or not os.path.samestat(os.fstat(reading), os.fstat(file)):
                raise CopyError(f"{shown(name)} is no file at the destination, and something is mounted on it")
            os.ftruncate(mounted, 0)
            while os.sendfile(mounted, reading, None, 1 << 30):
                pass
        finally:
            os.close(mounted)
            os.close(reading)
        os.unlink(draft, dir_fd=parent)

    def _put_second_name(self, parent: int, name: bytes, member: Member) -> None:
        link = member.link.removeprefix(b"./") if self._rules.trusted else member.link
        parts = [part for part in link.split(b"/") if part not in {b"", b"."}]
        missing = CopyError(f"{shown(member.name)} is another name of {shown(member.link)}, which was not copied")
        if not parts or b".." in parts:
            raise missing
        strict = Resolve.BENEATH | Resolve.NO_SYMLINKS
        try:
            above = syscalls.openat2(self._top, b"/".join(parts[:-1]) or b".", _DIRECTORY, strict)
        except SyscallError:
            raise missing from None
        draft = _draft()
        try:
            os.link(parts[-1], draft, src_dir_fd=above, dst_dir_fd=parent, follow_symlinks=False)
            os.rename(draft, name, src_dir_fd=parent, dst_dir_fd=parent)
            with suppress(FileNotFoundError):  # renaming one name of a file over another does nothing (rename(2))
                os.unlink(draft, dir_fd=parent)
        except FileNotFoundError:
            raise missing from None
        finally:
            os.close(above)

    def _settle_name(self, parent: int, draft: bytes, name: bytes, member: Member) -> None:
        owner = self._rules.owner or Owner(member.uid, member.gid)
        try:
            os.chown(draft, owner.uid, owner.gid, dir_fd=parent, follow_symlinks=False)
            mtime_ns = clamped(member.mtime_ns)
            os.utime(draft, ns=(mtime_ns, mtime_ns), dir_fd=parent, follow_symlinks=False)
            os.rename(draft, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            os.unlink(draft, dir_fd=parent)
            raise

    def _directory(self, path: bytes) -> int:
        """A descriptor of the directory at a path, which stays ours; what is missing is made."""
        if not path:
            return self._top
        if self._at == path and self._handle >= 0:
            return self._handle
        try:
            handle = syscalls.openat2(self._top, path, _DIRECTORY, self._rules.below)
        except SyscallError as error:
            if error.errno != errno.ENOENT:
                raise _no_directory(path, error) from None
            handle = self._made(path)
        if self._handle >= 0:
            os.close(self._handle)
        self._handle, self._at = handle, path
        return handle

    def _made(self, path: bytes) -> int:
        handle = os.dup(self._top)
        try:
            for part in path.split(b"/"):
                try:
                    os.mkdir(part, 0o755, dir_fd=handle)
                    made = True
                except FileExistsError:
                    made = False
                try:
                    below = syscalls.openat2(handle, part, _DIRECTORY, self._rules.below)
                except SyscallError as error:
                    raise _no_directory(path, error) from None
                os.close(handle)
                handle = below
                if made and self._rules.owner:
                    os.fchown(handle, self._rules.owner.uid, self._rules.owner.gid)
        except BaseException:
            os.close(handle)
            raise
        return handle


def _draft() -> bytes:
    return b".windlass-" + os.urandom(8).hex().encode()


def _write_all(file: int, piece: memoryview) -> None:
    left = piece
    while left:
        left = left[os.write(file, left) :]


def _no_directory(path: bytes, error: SyscallError) -> CopyError:
    return CopyError(f"cannot copy below {os.fsdecode(path)}: {os.strerror(error.errno)}")
