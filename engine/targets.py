"""Finds or makes the places inside a container's root that something is mounted on.

Nothing is resolved as text twice: what is found is a descriptor, links stay inside the root, and what is missing is
made one component at a time below a directory that is held open.
"""

import os
import stat
from errno import ENOENT

from engine import syscalls
from engine.errors import StartError, SyscallError
from engine.syscalls import Resolve

_INSIDE = Resolve.IN_ROOT | Resolve.NO_MAGICLINKS
_STRICT = Resolve.IN_ROOT | Resolve.NO_MAGICLINKS | Resolve.NO_SYMLINKS
_MOST_LINKS = 40


def find(root_fd: int, path: str, flags: int = os.O_PATH) -> int | None:
    """Opens a path inside the root, or returns None when there is nothing."""
    try:
        return syscalls.openat2(root_fd, path, flags, _INSIDE)
    except SyscallError as error:
        if error.errno == ENOENT:
            return None
        raise


def ensure_directory(root_fd: int, path: str) -> int:
    """Opens a directory inside the root that must be one itself, no link anywhere on the way; makes what is missing."""
    try:
        return syscalls.openat2(root_fd, path, os.O_PATH | os.O_DIRECTORY, _STRICT)
    except SyscallError as error:
        if not error.errno == ENOENT:
            raise StartError(
                f"the image's {path} is no directory, but a link, a file or something else",
                stage="mounts",
                errno=error.errno,
                hint="an image must leave this path alone: the container's own file systems are mounted there",
            ) from error
    return ensure(root_fd, path, directory=True)


def ensure(root_fd: int, path: str, *, directory: bool) -> int:
    """Opens a path inside the root, following links that stay inside; makes a directory or an empty file if missing.

    What is made belongs to the container's root, with mode 0755 or 0644.
    """
    for _ in range(_MOST_LINKS):
        found = find(root_fd, path)
        if found is not None:
            _check_kind(found, path, directory=directory)
            return found
        elsewhere = _make_first_missing(root_fd, path, directory=directory)
        path = elsewhere or path
    raise StartError(f"cannot make the mount target {path}: too many links or levels", stage="mounts")


def _check_kind(fd: int, path: str, *, directory: bool) -> None:
    if stat.S_ISDIR(os.fstat(fd).st_mode) != directory:
        os.close(fd)
        there, wanted = ("a file", "a directory") if directory else ("a directory", "a file")
        raise StartError(
            f"cannot mount {wanted} on {path}: the image has {there} there",
            stage="mounts",
            hint="check that the source exists on the host and is what you mean",
        )


def _make_first_missing(root_fd: int, path: str, *, directory: bool) -> str:
    """Makes what is missing up to `path`; returns another path to go on with when a dangling link is in the way."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    parent_path, parent = "", os.dup(root_fd)
    try:
        for index, name in enumerate(parts):
            here = f"{parent_path}/{name}"
            found = find(root_fd, here)
            if found is None:
                last = index == len(parts) - 1
                try:
                    if directory or not last:
                        os.mkdir(name, 0o755, dir_fd=parent)
                    else:
                        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644, dir_fd=parent))
                except FileExistsError:
                    link = os.readlink(name, dir_fd=parent)
                    from_root = link if link.startswith("/") else f"{parent_path}/{link}"
                    return "/".join((from_root, *parts[index + 1 :]))
                found = syscalls.openat2(parent, name, os.O_PATH, Resolve.BENEATH | Resolve.NO_SYMLINKS)
            os.close(parent)
            parent_path, parent = here, found
    except OSError as error:
        raise StartError(
            f"cannot make the mount target {path}: {error.strerror}", stage="mounts", errno=error.errno or 0
        ) from error
    finally:
        os.close(parent)
    return ""
