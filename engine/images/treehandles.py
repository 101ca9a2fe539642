"""The directories of a tree that is being unpacked, as descriptors: each is looked up once while it is written into."""

import errno
import os
import stat
from typing import Final, NamedTuple

from engine.errors import ImageError, SyscallError
from engine.images.serialisation import OPAQUE_ATTRIBUTE, is_whiteout
from engine.images.tarstream import shown
from engine.syscalls import Resolve, openat2

_BELOW = Resolve.BENEATH | Resolve.NO_SYMLINKS
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_MOST_OPEN: Final = 64


class Handle(NamedTuple):
    """An open directory; with `gives_group`, what is made in it gets its group (inode(7), S_ISGID)."""

    fd: int
    gives_group: bool


class TreeHandles:
    """Directories by their paths below `tree`, which is the caller's. No link is ever followed.

    The handles of the last two paths that were asked for are open; all of them are this object's.
    """

    def __init__(self, tree: int) -> None:
        self._tree = tree
        self._open: dict[bytes, Handle] = {}

    def made(self, path: bytes) -> Handle:
        """The directory at a path; what is missing is made, and hides what lower layers have where it was deleted."""
        found = self._open.pop(path, None)
        if found is None:
            try:
                fd = self._opened(path)
            except SyscallError as error:
                if error.errno not in {errno.ENOENT, errno.ENOTDIR}:
                    raise no_directory(path) from None
                fd = self._make(path)
            found = Handle(fd, bool(os.fstat(fd).st_mode & stat.S_ISGID))
            if len(self._open) >= _MOST_OPEN:
                os.close(self._open.pop(next(iter(self._open))).fd)
        self._open[path] = found
        return found

    def existing(self, path: bytes) -> int | None:
        """The directory at a path; None when there is none."""
        if path not in self._open:
            try:
                os.close(self._opened(path))
            except SyscallError:
                return None
        return self.made(path).fd

    def forget(self, path: bytes) -> None:
        """Has to be told before a directory goes, or changes its mode."""
        below = path + b"/"
        for known in [known for known in self._open if known == path or known.startswith(below)]:
            os.close(self._open.pop(known).fd)

    def close(self) -> None:
        """Closes all."""
        while self._open:
            os.close(self._open.popitem()[1].fd)

    def _opened(self, path: bytes) -> int:
        above = self._open.get(path.rpartition(b"/")[0])
        if above is None:
            return openat2(self._tree, path or b".", _DIRECTORY, _BELOW)
        return openat2(above.fd, path.rpartition(b"/")[2] or b".", _DIRECTORY, _BELOW)

    def _make(self, path: bytes) -> int:
        handle = openat2(self._tree, b".", _DIRECTORY, _BELOW)
        try:
            for part in path.split(b"/"):
                found = status(handle, part)
                opaque = found is not None and is_whiteout(found)
                if opaque:
                    os.unlink(part, dir_fd=handle)
                if found is None or opaque:
                    os.mkdir(part, 0o755, dir_fd=handle)
                below = _child(handle, part, path)
                os.close(handle)
                handle = below
                if opaque:
                    os.setxattr(handle, OPAQUE_ATTRIBUTE, b"y")
        except BaseException:
            os.close(handle)
            raise
        return handle


def status(parent: int, name: bytes) -> os.stat_result | None:
    """What has a name in a directory; None when nothing has."""
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def no_directory(path: bytes) -> ImageError:
    """The refusal of what lies below something else than a directory."""
    return ImageError(f"the layer has files below {shown(path)}, which is no directory")


def _child(parent: int, name: bytes, path: bytes) -> int:
    try:
        return os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    except OSError:
        raise no_directory(path) from None
