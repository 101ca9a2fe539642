"""Fills a new volume with what the image has at its place.

Runs inside the container as its root, so that nothing of an image is ever copied with more rights than it would have
there. An interrupted copy is begun again; a volume with content of its own is left alone. Both must hold after a power
loss, too: the marker never tells of a copy that is not on the disk, nor forgets one that the container works with.
"""

import errno
import fcntl
import os
import stat

from engine.syscalls import syncfs
from engine.volumes import SETTLED

_PENDING = b"0"
_COPY_BYTES = 1 << 30
_HARMLESS = {errno.EPERM, errno.ENOTSUP, errno.EINVAL}


def fill_volume(image_fd: int, volume_fd: int, marker_fd: int) -> None:
    """Copies the directory `image_fd` into the volume unless its content is settled.

    `marker_fd` is the volume's marker: empty while it is new, then what this module writes. It is locked meanwhile:
    of two containers that start with one new volume, one copies and the other waits.
    """
    fcntl.flock(marker_fd, fcntl.LOCK_EX)
    state = os.pread(marker_fd, 1, 0)
    if state == SETTLED:
        return
    source = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=image_fd)
    target = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=volume_fd)
    try:
        if not state and _has_entries(target):
            _mark(marker_fd, SETTLED)
        elif _has_entries(source):
            _mark(marker_fd, _PENDING)
            _Copy(target).directory(source, target, "")
            syncfs(target)
            _mark(marker_fd, SETTLED)
        else:  # nothing to copy, but whoever is to write there shall be able to
            _copy_attributes(source, target)
    finally:
        os.close(source)
        os.close(target)


def _mark(marker_fd: int, state: bytes) -> None:
    os.pwrite(marker_fd, state, 0)
    os.fsync(marker_fd)


def _has_entries(directory_fd: int) -> bool:
    with os.scandir(directory_fd) as entries:
        return any(True for _ in entries)


class _Copy:
    """One copy of a tree; knows the files with several names that it has met."""

    def __init__(self, root_fd: int) -> None:
        self._root_fd = root_fd
        self._first_names: dict[tuple[int, int], str] = {}

    def directory(self, source: int, target: int, path: str) -> None:
        """Copies what is in `source` into `target`, then the directory's own attributes."""
        with os.scandir(source) as entries:
            for entry in entries:
                self._entry(entry.name, source, target, f"{path}/{entry.name}" if path else entry.name)
        _copy_attributes(source, target)

    def _entry(self, name: str, source: int, target: int, path: str) -> None:
        found = os.stat(name, dir_fd=source, follow_symlinks=False)
        kind = stat.S_IFMT(found.st_mode)
        if kind == stat.S_IFDIR:
            self._subdirectory(name, source, target, path)
            return
        _make_room(name, target)
        first = self._first_names.get((found.st_dev, found.st_ino)) if found.st_nlink > 1 else None
        if first is not None:
            os.link(first, name, src_dir_fd=self._root_fd, dst_dir_fd=target, follow_symlinks=False)
            return
        if kind == stat.S_IFREG:
            _copy_file(name, source, target)
        elif kind == stat.S_IFLNK:
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
            os.chown(name, found.st_uid, found.st_gid, dir_fd=target, follow_symlinks=False)
        elif kind == stat.S_IFIFO:
            os.mkfifo(name, stat.S_IMODE(found.st_mode), dir_fd=target)
            os.chown(name, found.st_uid, found.st_gid, dir_fd=target, follow_symlinks=False)
        else:  # sockets and devices mean nothing in a copy
            return
        if found.st_nlink > 1:
            self._first_names[found.st_dev, found.st_ino] = path

    def _subdirectory(self, name: str, source: int, target: int, path: str) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=target)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(name, dir_fd=target, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=target)
                os.mkdir(name, 0o700, dir_fd=target)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        below, copy = os.open(name, flags, dir_fd=source), os.open(name, flags, dir_fd=target)
        try:
            self.directory(below, copy, path)
        finally:
            os.close(below)
            os.close(copy)


def _make_room(name: str, target: int) -> None:
    """Removes what an interrupted copy left behind."""
    try:
        os.unlink(name, dir_fd=target)
    except FileNotFoundError:
        return


def _copy_file(name: str, source: int, target: int) -> None:
    reading = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=source)
    try:
        writing = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=target)
        try:
            while _copy_some(reading, writing):
                pass
            _copy_attributes(reading, writing)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _copy_some(reading: int, writing: int) -> int:
    try:
        return os.copy_file_range(reading, writing, _COPY_BYTES)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise
    return os.sendfile(writing, reading, None, _COPY_BYTES)


def _copy_attributes(reading: int, writing: int) -> None:
    """Copies owner, mode, extended attributes and times, the owner first: changing it clears setuid bits."""
    found = os.fstat(reading)
    os.fchown(writing, found.st_uid, found.st_gid)
    os.fchmod(writing, stat.S_IMODE(found.st_mode))
    for name in os.listxattr(reading):
        try:
            os.setxattr(writing, name, os.getxattr(reading, name))
        except OSError as error:
            if error.errno not in _HARMLESS:  # some belong to a file system or a security module, not to the file
                raise
    os.utime(writing, ns=(found.st_atime_ns, found.st_mtime_ns))
