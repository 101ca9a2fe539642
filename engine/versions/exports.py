"""Writes the files that a container sees as one tar archive: those of its image under what it has written."""

import os
import stat
from collections.abc import Callable

from engine.dockerfiles.uppers import ID_COUNT, plain_capability
from engine.dockerfiles.views import read_only_view
from engine.errors import ImageError
from engine.images import tarheaders
from engine.images.serialisation import CAPABILITY_ATTRIBUTE, is_kept_attribute
from engine.images.store import ImageStore
from engine.images.tarheaders import Entry
from engine.layout import StackLayout
from engine.state import ContainerRecord
from engine.versions.duplicates import CHANGED
from engine.versions.writable import Opened, lower_directories, opened, status_at, upper_directory

Write = Callable[[bytes | memoryview], object]
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_DEEPEST = 900
_CHUNK_BYTES = 1 << 20


def export(store: ImageStore, stack: StackLayout, record: ContainerRecord, write: Write) -> None:
    """Writes the archive, with the ids that the container sees; volumes and other mounts are no part of it."""
    with store.in_use(), opened(store, stack, record) as container, store.workspace() as aside:
        layers = (*lower_directories(store, record), upper_directory(stack, record))
        with read_only_view(layers, aside) as view:
            root = os.open(".", _DIRECTORY, dir_fd=view)
            try:
                _Archive(write, record.state.first_id, _mount_points(container)).directory(root, b"", 0)
            finally:
                os.close(root)
    write(bytes(2 * tarheaders.BLOCK))


def _mount_points(container: Opened) -> frozenset[str]:
    """What only mounts needed, and the image has not."""
    return frozenset(path for path in container.left_out if status_at(container.image, path) is None)


class _Archive:
    def __init__(self, write: Write, first_id: int, left_out: frozenset[str]) -> None:
        self._write = write
        self._first_id = first_id
        self._left_out = left_out
        self._first_names: dict[int, bytes] = {}
        self._buffer = memoryview(bytearray(_CHUNK_BYTES))

    def directory(self, directory: int, prefix: bytes, depth: int) -> None:
        """Writes what a directory contains."""
        if depth > _DEEPEST:
            raise ImageError(f"the container has directories more than {_DEEPEST} deep")
        for name in sorted(os.fsencode(name) for name in os.listdir(directory)):
            try:
                self._entry(directory, name, prefix + name, depth)
            except OSError as error:
                if error.errno not in CHANGED:
                    raise

    def _entry(self, directory: int, name: bytes, path: bytes, depth: int) -> None:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISSOCK(status.st_mode) or f"/{os.fsdecode(path)}" in self._left_out:
            return
        entry = Entry(
            name=path,
            kind=tarheaders.KINDS[stat.S_IFMT(status.st_mode)],
            mode=stat.S_IMODE(status.st_mode),
            uid=self._inside(status.st_uid),
            gid=self._inside(status.st_gid),
            mtime=status.st_mtime_ns // 1_000_000_000,
        )
        if not stat.S_ISDIR(status.st_mode) and status.st_nlink > 1:
            first = self._first_names.setdefault(status.st_ino, path)
            if first != path:
                self._write(tarheaders.header(entry._replace(kind=tarheaders.HARD_LINK, link=first)))
                return
        match stat.S_IFMT(status.st_mode):
            case stat.S_IFDIR:
                child = os.open(name, _DIRECTORY, dir_fd=directory)
                try:
                    self._write(tarheaders.header(entry._replace(name=path + b"/", extended=self._attributes(child))))
                    self.directory(child, path + b"/", depth + 1)
                finally:
                    os.close(child)
            case stat.S_IFREG:
                self._file(directory, name, entry)
            case stat.S_IFLNK:
                self._write(tarheaders.header(entry._replace(link=os.readlink(name, dir_fd=directory))))
            case stat.S_IFCHR | stat.S_IFBLK:
                device = (os.major(status.st_rdev), os.minor(status.st_rdev))
                self._write(tarheaders.header(entry._replace(device=device)))
            case _:
                self._write(tarheaders.header(entry))

    def _file(self, directory: int, name: bytes, entry: Entry) -> None:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
        try:
            size = os.fstat(file).st_size
            self._write(tarheaders.header(entry._replace(size=size, extended=self._attributes(file))))
            left = size
            while left:
                count = os.readv(file, [self._buffer[: min(left, _CHUNK_BYTES)]])
                if not count:  # the container has cut it short: the archive stays one
                    self._write(bytes(left))
                    break
                self._write(self._buffer[:count])
                left -= count
            self._write(tarheaders.padding(size))
        finally:
            os.close(file)

    def _attributes(self, file: int) -> dict[str, bytes]:
        found = {name: os.getxattr(file, name) for name in os.listxattr(file) if is_kept_attribute(name)}
        if CAPABILITY_ATTRIBUTE in found:
            found[CAPABILITY_ATTRIBUTE] = plain_capability(found[CAPABILITY_ATTRIBUTE], self._first_id)
        return found

    def _inside(self, host_id: int) -> int:
        """The id that the container sees: its own files have the host's, its image's have theirs."""
        first_id = self._first_id
        return host_id - first_id if first_id and first_id <= host_id < first_id + ID_COUNT else host_id
