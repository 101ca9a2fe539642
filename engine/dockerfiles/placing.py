"""Writes files into an image's root. Links of the image are followed, but none leads out of the root."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from engine.dockerfiles.problems import Mistake
from engine.errors import SyscallError
from engine.images.serialisation import is_kept_attribute
from engine.syscalls import Resolve, openat2

_INSIDE = Resolve.IN_ROOT | Resolve.NO_MAGICLINKS
_DIRECTORY_MODE = 0o755


class Owner(NamedTuple):
    """The ids that a new file gets."""

    uid: int = 0
    gid: int = 0


class Attributes(NamedTuple):
    """What a file has besides its content; `mtime_ns` None: the present."""

    mode: int
    owner: Owner
    mtime_ns: int | None = None
    extended: tuple[tuple[str, bytes], ...] = ()


def is_directory(root: int, path: str) -> bool:
    """Says whether there is a directory at a path inside the root."""
    try:
        os.close(openat2(root, path, os.O_PATH | os.O_DIRECTORY, _INSIDE))
    except SyscallError:
        return False
    return True


@contextmanager
def directory(root: int, path: str, owner: Owner) -> Iterator[int]:
    """A descriptor of the directory at a path inside the root; what is missing is made, and belongs to `owner`."""
    handle = _ensure(root, path, owner)
    try:
        yield handle
    finally:
        os.close(handle)


def put_file(parent: int, name: str, content: Iterable[bytes | memoryview], attributes: Attributes) -> None:
    """Writes a regular file; whatever has that name, unless it is a directory, is replaced."""
    _make_way(parent, name)
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=parent)
    try:
        for chunk in content:
            left = memoryview(chunk)
            while left:
                left = left[os.write(file, left) :]
        os.fchown(file, *attributes.owner)
        os.fchmod(file, attributes.mode)
        for key, value in attributes.extended:
            os.setxattr(file, key, value)
        if attributes.mtime_ns is not None:
            os.utime(file, ns=(attributes.mtime_ns, attributes.mtime_ns))
    finally:
        os.close(file)


def put_hard_link(parent: int, name: str, first: int, first_name: str) -> None:
    """Gives the file `first_name` in the directory `first` another name; Mistake when there is no such file."""
    _make_way(parent, name)
    try:
        os.link(first_name, name, src_dir_fd=first, dst_dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        raise Mistake(f"there is no file {first_name!r} that {name!r} could be another name of") from None


def put_link(parent: int, name: str, target: str, attributes: Attributes) -> None:
    """Makes a symbolic link; its mode does not matter."""
    _make_way(parent, name)
    os.symlink(target, name, dir_fd=parent)
    os.chown(name, *attributes.owner, dir_fd=parent, follow_symlinks=False)
    if attributes.mtime_ns is not None:
        os.utime(name, ns=(attributes.mtime_ns, attributes.mtime_ns), dir_fd=parent, follow_symlinks=False)


def put_attributes(handle: int, attributes: Attributes) -> None:
    """Gives a directory its attributes: best after its content, which changes its time."""
    os.fchown(handle, *attributes.owner)
    os.fchmod(handle, attributes.mode)
    for key, value in attributes.extended:
        os.setxattr(handle, key, value)
    if attributes.mtime_ns is not None:
        os.utime(handle, ns=(attributes.mtime_ns, attributes.mtime_ns))


def kept_attributes(file: int) -> tuple[tuple[str, bytes], ...]:
    """The extended attributes of a file that images keep."""
    return tuple((name, os.getxattr(file, name)) for name in os.listxattr(file) if is_kept_attribute(name))


def _ensure(root: int, path: str, owner: Owner) -> int:
    """Opens a directory, making what is missing one part at a time below the part that is there."""
    with suppress(SyscallError):
        return openat2(root, path, os.O_RDONLY | os.O_DIRECTORY, _INSIDE)
    handle = openat2(root, ".", os.O_RDONLY | os.O_DIRECTORY, _INSIDE)
    walked = ""
    try:
        for part in (part for part in path.split("/") if part not in {"", "."}):
            walked = f"{walked}/{part}"
            try:
                following = openat2(root, walked, os.O_RDONLY | os.O_DIRECTORY, _INSIDE)
            except SyscallError as error:
                if error.errno == errno.ENOTDIR:
                    raise Mistake(f"the image's {walked} is no directory") from None
                if error.errno != errno.ENOENT:
                    raise
                following = _make(handle, part, walked, owner)
            os.close(handle)
            handle = following
    except BaseException:
        os.close(handle)
        raise
    return handle


def _make(parent: int, name: str, shown: str, owner: Owner) -> int:
    try:
        os.mkdir(name, _DIRECTORY_MODE, dir_fd=parent)
    except FileExistsError:
        raise Mistake(f"the image's {shown} is a link that leads nowhere") from None
    handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    os.fchown(handle, *owner)
    os.fchmod(handle, _DIRECTORY_MODE)
    return handle


def _make_way(parent: int, name: str) -> None:
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise Mistake(f"the image has a directory where the file {name!r} is to be written")
        os.unlink(name, dir_fd=parent)
