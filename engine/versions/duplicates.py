"""Copies a writable layer as it is: owners, modes, times, attributes, hard links, and the marks of deleted files."""

import os
import stat
from errno import EINVAL, ELOOP, ENOENT, ENOSYS, ENOTDIR, ENXIO, EOPNOTSUPP, EXDEV
from typing import Final

from engine.errors import ImageError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_DEEPEST: Final = 300
"""Every level holds two descriptors."""
CHANGED: Final = frozenset((ELOOP, ENOENT, ENOTDIR))
"""What is told of a file that a container, which goes on, has just removed or replaced."""
_PIECE = 1 << 30
_ELSEWHERE = frozenset((EINVAL, ENOSYS, EOPNOTSUPP, EXDEV))  # the file systems cannot do it between them


def duplicate(source: int, target: int, left_out: frozenset[str] = frozenset()) -> None:
    """Copies what a directory holds into an empty one; paths ("/etc/hosts") that are left out stay away."""
    _Duplicate(source, target, left_out).directory(source, target, "", 0)


class _Duplicate:
    def __init__(self, source: int, target: int, left_out: frozenset[str]) -> None:
        self._source = source
        self._target = target
        self._left_out = left_out
        self._links: dict[int, str] = {}

    def directory(self, source: int, target: int, prefix: str, depth: int) -> None:
        """Copies what a directory holds, then how it is itself."""
        if depth > _DEEPEST:
            raise ImageError(
                f"the container has directories more than {_DEEPEST} deep",
                hint=f"they begin with {prefix[:60]}: remove them, or keep them in a volume",
            )
        for name in os.listdir(source):
            path = f"{prefix}/{name}"
            if path in self._left_out:
                continue
            try:
                self._entry(source, target, name, path, depth)
            except OSError as error:
                if error.errno not in CHANGED:
                    raise
        _settle(source, target)

    def _entry(self, source: int, target: int, name: str, path: str, depth: int) -> None:
        status = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISSOCK(status.st_mode) or self._is_linked(target, name, path, status):
            return
        match stat.S_IFMT(status.st_mode):
            case stat.S_IFDIR:
                below = os.open(name, _DIRECTORY, dir_fd=source)
                os.mkdir(name, 0o700, dir_fd=target)
                self._both(below, os.open(name, _DIRECTORY, dir_fd=target), path, depth)
            case stat.S_IFREG:
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=source)
                _copy_file(file, os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=target))
            case stat.S_IFLNK:
                os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
                _settle_name(target, name, status)
            case _:
                os.mknod(name, status.st_mode, status.st_rdev, dir_fd=target)
                _settle_name(target, name, status)

    def _is_linked(self, target: int, name: str, path: str, status: os.stat_result) -> bool:
        """Whether this is another name of a file that has been copied; then it has it now."""
        if stat.S_ISDIR(status.st_mode) or status.st_nlink == 1:
            return False
        first = self._links.setdefault(status.st_ino, path)
        if first == path:
            return False
        os.link(first.lstrip("/"), name, src_dir_fd=self._target, dst_dir_fd=target, follow_symlinks=False)
        return True

    def _both(self, source: int, target: int, path: str, depth: int) -> None:
        try:
            self.directory(source, target, path, depth + 1)
        finally:
            os.close(source)
            os.close(target)


def _copy_file(source: int, target: int) -> None:
    try:
        size = os.fstat(source).st_size
        os.ftruncate(target, size)
        position = 0
        while position < size:
            try:
                position = os.lseek(source, position, os.SEEK_DATA)
                end = os.lseek(source, position, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == ENXIO:  # nothing but a hole up to the end
                    break
                raise
            while position < end:
                copied = _copy_range(source, target, position, min(end - position, _PIECE))
                if not copied:
                    end = size = position
                position += copied
        _settle(source, target)
    finally:
        os.close(source)
        os.close(target)


def _copy_range(source: int, target: int, position: int, count: int) -> int:
    try:
        return os.copy_file_range(source, target, count, position, position)
    except OSError as error:
        if error.errno not in _ELSEWHERE:
            raise
    os.lseek(target, position, os.SEEK_SET)
    return os.sendfile(target, source, position, count)


def _settle(source: int, target: int) -> None:
    """Gives an open file the owner, mode, attributes and times of another; a change of owner clears setuid bits."""
    status = os.fstat(source)
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    for name in os.listxattr(source):
        os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _settle_name(directory: int, name: str, status: os.stat_result) -> None:
    """The same for what cannot be opened."""
    os.chown(name, status.st_uid, status.st_gid, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=directory)
    os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=directory, follow_symlinks=False)
