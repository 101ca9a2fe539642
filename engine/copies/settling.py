"""Gives files and directories that were copied the owners, modes and times that they are to have."""

import errno
import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from engine import syscalls
from engine.errors import CopyError, SyscallError
from engine.images.serialisation import CAPABILITY_ATTRIBUTE
from engine.images.tarstream import Member, shown
from engine.syscalls import Resolve

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LATEST_NS: Final = 2**33 * 1_000_000_000
_WHOLE_MODE = 0o7777
_HARMLESS_MODE = 0o1777  # without setuid and setgid
_HINTS: Mapping[int, str] = {
    errno.ENOSPC: "make room there (df shows how much is left)",
    errno.EDQUOT: "make room there (quota shows what may be used)",
    errno.EROFS: "it is mounted read-only: copy to another place, or mount it writable",
}


class Owner(NamedTuple):
    """Whom files belong to, and that their setuid bits go; without one, they keep what the archive says."""

    uid: int
    gid: int


class Rules(NamedTuple):
    """How an archive is written.

    `owner` None keeps owners, whole modes and attributes. `resolve` is how the destination is found, `below` how the
    directories below it are. `follow` lets an entry for a directory stand for a link that is there and leads to one.
    With `capabilities`, attributes may give files privileges. `replace` lets files take the places of directories.
    `trusted` archives come from `engine.copies.sending`.
    """

    owner: Owner | None
    resolve: Resolve
    below: Resolve
    follow: bool
    capabilities: bool
    replace: bool = False
    trusted: bool = True


INSIDE = Rules(
    owner=Owner(0, 0),
    resolve=Resolve.NO_MAGICLINKS,
    below=Resolve.NO_MAGICLINKS,
    follow=True,
    capabilities=True,
)
"""For a process whose own root is the container's: no link leads out of there."""

OUTSIDE = Rules(
    owner=Owner(0, 0),
    resolve=Resolve(0),
    below=Resolve.BENEATH | Resolve.NO_SYMLINKS,
    follow=False,
    capabilities=False,
)
"""For the host: the user's own path leads where it leads, nothing that a container says leads anywhere else."""


def enter_directory(parent: int, name: bytes, member: Member, rules: Rules, destination: str) -> int:
    """Opens the directory of an entry, made if it is missing; one that is there keeps what it is, but for `-a`."""
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
        made = True
    except FileExistsError:
        made = False
    flags = _DIRECTORY if rules.follow else _DIRECTORY | os.O_NOFOLLOW
    try:
        handle = syscalls.openat2(parent, name, flags, rules.below)
    except SyscallError as error:
        if made or error.errno not in {errno.ENOTDIR, errno.ELOOP, errno.ENOENT}:
            raise failure(destination, OSError(error.errno, os.strerror(error.errno))) from None
        if not rules.replace:
            raise CopyError(f"cannot copy a directory to {destination}: something else is there") from None
        os.unlink(name, dir_fd=parent)
        return enter_directory(parent, name, member, rules._replace(replace=False), destination)
    try:
        if made or rules.owner is None:
            settle_directory(handle, member, rules)
    except BaseException:
        os.close(handle)
        raise
    return handle


def settle_directory(handle: int, member: Member, rules: Rules) -> None:
    """Gives an open directory what its entry says, its time included."""
    settle(handle, member, rules)
    mtime_ns = clamped(member.mtime_ns)
    os.utime(handle, ns=(mtime_ns, mtime_ns))


def settle(handle: int, member: Member, rules: Rules) -> None:
    """Gives an open file its owner, mode and attributes, in this order: a change of owner clears setuid bits."""
    if rules.owner is not None:
        os.fchown(handle, rules.owner.uid, rules.owner.gid)
        os.fchmod(handle, member.mode & _HARMLESS_MODE)
        return
    try:
        os.fchown(handle, member.uid, member.gid)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.EOVERFLOW}:
            message = f"{shown(member.name)} belongs to {member.uid}:{member.gid}, whom the container does not have"
            raise CopyError(message, hint="without -a it belongs to root there") from None
        raise
    os.fchmod(handle, member.mode & _WHOLE_MODE)
    for key, value in member.attributes.items():
        if key.startswith("user.") or (key == CAPABILITY_ATTRIBUTE and rules.capabilities):
            try:
                os.setxattr(handle, key, value)
            except OSError as error:
                if error.errno not in {errno.ENOTSUP, errno.EPERM}:  # a file system that has none
                    raise


def clamped(mtime_ns: int) -> int:
    """A time that every file system can hold."""
    return max(-_LATEST_NS, min(mtime_ns, _LATEST_NS))


def failure(destination: str, error: OSError) -> CopyError:
    """Why something could not be written."""
    return CopyError(f"cannot write {destination}: {error.strerror}", hint=_HINTS.get(error.errno or 0, ""))
