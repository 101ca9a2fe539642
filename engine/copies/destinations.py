"""Finds the place that a copy goes to, by descriptors."""

import errno
import os
import stat
from typing import Final, Literal

from engine import syscalls
from engine.copies.places import Kind
from engine.errors import CopyError, SyscallError
from engine.syscalls import Resolve

_PLACE = os.O_PATH | os.O_CLOEXEC
_MOST_LINKS: Final = 40


def find_place(path: str, resolve: Resolve) -> tuple[Kind, int, bytes]:
    """What is at a path; the directory itself, or the one that a file is or would be in, with the file's name there.

    Links are followed by hand, each in the directory that it is in, so that the name is never one itself. The
    descriptor is the caller's.
    """
    at, rest = os.open("." if not path.startswith("/") else "/", _PLACE | os.O_DIRECTORY), path
    for _ in range(_MOST_LINKS):
        above, last = _split(rest)
        try:
            parent = syscalls.openat2(at, above or ".", _PLACE | os.O_DIRECTORY, resolve)
        except SyscallError as error:
            if error.errno in {errno.ENOENT, errno.ENOTDIR}:
                return "lost", at, b""
            os.close(at)
            raise CopyError(f"cannot copy to {path}: {os.strerror(error.errno)}") from None
        os.close(at)
        at = parent
        kind, rest = _look(parent, last) if last else ("directory", "")
        if kind == "directory" and last:
            at = syscalls.openat2(parent, last, _PLACE | os.O_DIRECTORY, resolve)
            os.close(parent)
        if kind != "link":
            return kind, at, os.fsencode(last)
    os.close(at)
    raise CopyError(f"cannot copy to {path}: too many links")


def _split(path: str) -> tuple[str, str]:
    """What leads to a path's last name, and the name; only the former when it ends in a dot or is the root."""
    above, _, last = path.rstrip("/").rpartition("/")
    if last in {"", ".", ".."}:
        return path, ""
    return (above or "/" if path.startswith("/") else above), last


def _look(parent: int, name: str) -> tuple[Kind | Literal["link"], str]:
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return "missing", ""
    if stat.S_ISLNK(mode):
        return "link", os.readlink(name, dir_fd=parent)
    return ("directory" if stat.S_ISDIR(mode) else "file"), ""
