"""Writes files and directories as a tar archive, whatever happens to them meanwhile.

Nothing is followed but the source's own path: below it every name is opened through no link and checked to be what it
was. What changes while it is read is cut or filled up to the size that its header says.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from typing import Final, NamedTuple

from engine import syscalls
from engine.copies.holes import HOLES, data_ranges, described
from engine.errors import CopyError, SyscallError
from engine.images import tarheaders
from engine.images.serialisation import is_kept_attribute
from engine.images.tarheaders import Entry
from engine.syscalls import AT_FDCWD, Resolve

Write = Callable[[bytes | memoryview], object]

DEEPEST: Final = 250
MOST_NAMES: Final = 1_000_000
_CHUNK_BYTES: Final = 1 << 20
_NANOSECONDS: Final = 1_000_000_000
_LONGEST_VALUES: Final = 1 << 19
_QUIET = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_DIRECTORY = _QUIET | os.O_DIRECTORY


class Source(NamedTuple):
    """What to send: `path` as this process resolves it; `shown` is what messages call it.

    The entry is called `name`, what lies below it `name/...`. With `follow`, a link at the path's end stands for what
    it leads to. With `attributes`, extended attributes come along; with `holes`, so do the places of a file's holes,
    in a form that `engine.copies.receiving` alone understands. `kernel` are names that are sent as empty directories.
    `wanted` says of a path below the source, and of whether it is a directory, if it is sent; a directory that is not
    is not descended into. Without `hard_links`, each name of a file is sent as a file of its own.
    """

    path: str
    shown: str
    name: bytes = b"."
    follow: bool = False
    attributes: bool = False
    holes: bool = False
    resolve: Resolve = Resolve(0)
    kernel: frozenset[bytes] = frozenset()
    wanted: Callable[[str, bool], bool] | None = None
    hard_links: bool = True


class MissingError(CopyError):
    """There is nothing at the source's path."""


def send(source: Source, write: Write) -> tuple[str, ...]:
    """Writes the source and all below it, then the archive's end; returns what was left out, and why."""
    left_out: list[str] = []
    _Sending(source, write, left_out).run()
    write(bytes(2 * tarheaders.BLOCK))
    return tuple(left_out)


def send_those_there(sources: Iterable[Source], write: Write) -> tuple[str, ...]:
    """The same for several sources in one archive, but for those that are gone."""
    left_out: list[str] = []
    for source in sources:
        with suppress(MissingError):
            _Sending(source, write, left_out).run()
    write(bytes(2 * tarheaders.BLOCK))
    return tuple(left_out)


def _open(source: Source, flags: int) -> int:
    try:
        return syscalls.openat2(AT_FDCWD, source.path, flags | (0 if source.follow else os.O_NOFOLLOW), source.resolve)
    except SyscallError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            raise MissingError(f"there is no {source.shown}", hint="check the path for a typing error") from None
        raise CopyError(f"cannot read {source.shown}: {os.strerror(error.errno)}") from None


class _Sending:
    def __init__(self, source: Source, write: Write, left_out: list[str]) -> None:
        self._source = source
        self._write = write
        self._left_out = left_out
        self._first_names: dict[tuple[int, int], bytes] = {}
        self._buffer = memoryview(bytearray(_CHUNK_BYTES))

    def run(self) -> None:
        source = self._source
        place = _open(source, os.O_PATH)
        try:
            found = os.fstat(place)
            match stat.S_IFMT(found.st_mode):
                case stat.S_IFDIR:
                    handle = os.open(".", _DIRECTORY, dir_fd=place)
                    try:
                        self._directory(handle, source.name, found)
                    finally:
                        os.close(handle)
                case stat.S_IFREG:
                    file = _open(source, _QUIET)
                    try:
                        self._file(file, source.name, found)
                    finally:
                        os.close(file)
                case stat.S_IFLNK:
                    self._entry(source.name, found, link=os.readlink(b"", dir_fd=place))
                case _:
                    self._other(source.name, found)
        except OSError as error:
            raise self._unreadable(source.name, error) from error
        finally:
            os.close(place)

    def _directory(self, top: int, name: bytes, found: os.stat_result) -> None:
        """Writes a directory with all below it. The stack holds one descriptor a level, and the names still to come."""
        self._entry(name + b"/", found, extended=self._attributes(top))
        stack = [(os.dup(top), name, iter(self._names(top)))]
        try:
            while stack:
                handle, prefix, names = stack[-1]
                below = next(names, None)
                if below is None:
                    os.close(handle)
                    stack.pop()
                    continue
                opened = self._child(handle, prefix + b"/" + below, below)
                if opened is not None:
                    if len(stack) > DEEPEST:
                        os.close(opened)
                        raise CopyError(f"{self._source.shown} has directories more than {DEEPEST} deep")
                    stack.append((opened, prefix + b"/" + below, iter(self._names(opened))))
        finally:
            for handle, _, _ in stack:
                os.close(handle)

    def _names(self, handle: int) -> list[bytes]:
        with os.scandir(handle) as entries:
            names = sorted(os.fsencode(entry.name) for entry in islice(entries, MOST_NAMES + 1))
        if len(names) > MOST_NAMES:
            raise CopyError(f"{self._source.shown} has a directory with more than {MOST_NAMES:,} entries")
        return names

    def _child(self, directory: int, path: bytes, name: bytes) -> int | None:
        """Writes one entry of a directory; returns its descriptor when it is a directory that is to be gone through."""
        try:
            found = os.stat(name, dir_fd=directory, follow_symlinks=False)
            below = os.fsdecode(path.removeprefix(self._source.name + b"/"))
            if self._source.wanted and not self._source.wanted(below, stat.S_ISDIR(found.st_mode)):
                return None
            match stat.S_IFMT(found.st_mode):
                case stat.S_IFDIR:
                    return self._subdirectory(directory, path, name, found)
                case stat.S_IFREG if not self._is_second_name(path, found):
                    file = os.open(name, _QUIET | os.O_NOFOLLOW, dir_fd=directory)
                    try:
                        self._file(file, path, found)
                    finally:
                        os.close(file)
                case stat.S_IFLNK if not self._is_second_name(path, found):
                    self._entry(path, found, link=os.readlink(name, dir_fd=directory))
                case stat.S_IFREG | stat.S_IFLNK:
                    pass
                case _:
                    self._other(path, found)
        except FileNotFoundError:  # it has just been removed
            return None
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.ENXIO}:  # it has just become something else
                self._left_out.append(f"{os.fsdecode(path)} changed while it was read")
                return None
            raise self._unreadable(path, error) from error
        return None

    def _subdirectory(self, directory: int, path: bytes, name: bytes, found: os.stat_result) -> int | None:
        handle = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
        if path in self._source.kernel:
            self._entry(path + b"/", found)
            os.close(handle)
            return None
        try:
            self._entry(path + b"/", os.fstat(handle), extended=self._attributes(handle))
        except BaseException:
            os.close(handle)
            raise
        return handle

    def _file(self, file: int, path: bytes, expected: os.stat_result) -> None:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or not os.path.samestat(found, expected):
            self._left_out.append(f"{os.fsdecode(path)} changed while it was read")
            return
        attributes = self._attributes(file)
        if found.st_size <= _CHUNK_BYTES:
            self._small_file(file, path, found, attributes)
            return
        ranges = data_ranges(file, found.st_size) if self._source.holes else None
        if ranges is None:
            ranges = [(0, found.st_size)]
        else:
            attributes = {**attributes, HOLES: described(found.st_size, ranges)}
        size = sum(length for _, length in ranges)
        self._entry(path, found, size=size, extended=attributes)
        for offset, length in ranges:
            self._range(file, path, offset, length)
        self._write(tarheaders.padding(size))

    def _small_file(self, file: int, path: bytes, found: os.stat_result, attributes: dict[str, bytes]) -> None:
        """Reads first, then says the size: the kernel's own files have none before they are read."""
        content = bytearray()
        while len(content) < _CHUNK_BYTES:
            count = os.readv(file, [self._buffer[: _CHUNK_BYTES - len(content)]])
            if not count:
                break
            content += self._buffer[:count]
        self._entry(path, found, size=len(content), extended=attributes)
        self._write(memoryview(content))
        self._write(tarheaders.padding(len(content)))

    def _range(self, file: int, path: bytes, offset: int, length: int) -> None:
        while length:
            count = os.preadv(file, [self._buffer[: min(length, _CHUNK_BYTES)]], offset)
            if not count:
                self._left_out.append(f"{os.fsdecode(path)} became shorter while it was read: the rest is zeros")
                self._zeros(length)
                return
            self._write(self._buffer[:count])
            offset += count
            length -= count

    def _zeros(self, length: int) -> None:
        zeros = memoryview(bytes(_CHUNK_BYTES))
        while length:
            count = min(length, _CHUNK_BYTES)
            self._write(zeros[:count])
            length -= count

    def _is_second_name(self, path: bytes, found: os.stat_result) -> bool:
        """Writes a further name of a file that was sent already; whether it was one."""
        if found.st_nlink < 2 or not self._source.hard_links:
            return False
        first = self._first_names.setdefault((found.st_dev, found.st_ino), path)
        if first == path:
            return False
        self._entry(path, found, kind=tarheaders.HARD_LINK, link=first)
        return True

    def _other(self, path: bytes, found: os.stat_result) -> None:
        if stat.S_ISSOCK(found.st_mode):
            self._left_out.append(f"{os.fsdecode(path)} is a socket")
            return
        self._entry(path, found, device=(os.major(found.st_rdev), os.minor(found.st_rdev)))

    def _attributes(self, handle: int) -> dict[str, bytes]:
        if not self._source.attributes:
            return {}
        values = {name: os.getxattr(handle, name) for name in os.listxattr(handle) if is_kept_attribute(name)}
        return values if sum(map(len, values.values())) < _LONGEST_VALUES else {}

    def _entry(
        self,
        path: bytes,
        found: os.stat_result,
        *,
        kind: bytes = b"",
        size: int = 0,
        link: bytes = b"",
        device: tuple[int, int] = (0, 0),
        extended: dict[str, bytes] | None = None,
    ) -> None:
        seconds, nanoseconds = divmod(found.st_mtime_ns, _NANOSECONDS)
        self._write(
            tarheaders.header(
                Entry(
                    name=path,
                    kind=kind or tarheaders.KINDS[stat.S_IFMT(found.st_mode)],
                    mode=stat.S_IMODE(found.st_mode),
                    uid=found.st_uid,
                    gid=found.st_gid,
                    mtime=seconds,
                    mtime_ns=nanoseconds,
                    size=size,
                    link=link,
                    device=device,
                    extended=extended or {},
                )
            )
        )

    def _unreadable(self, path: bytes, error: OSError) -> CopyError:
        below = os.fsdecode(path.removeprefix(self._source.name)).strip("/")
        shown = f"{self._source.shown.rstrip('/')}/{below}" if below else self._source.shown
        return CopyError(f"cannot read {shown}: {error.strerror}")
