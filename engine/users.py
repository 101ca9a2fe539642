"""Looks up who runs a program, in the passwd and group files of an image's own root.

The files are an image's, so they may be anything: they are opened without following links out of the root, must be
regular files, and only their first mebibyte counts. The C library's lookups would load the image's own code.
"""

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from engine import targets
from engine.errors import StartError, SyscallError

_LARGEST_BYTES = 1 << 20
_LARGEST_ID = 65535


class User(NamedTuple):
    """Who a program runs as. `groups` are the supplementary ones; `home` is "/" when the image names none."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


class _Entry(NamedTuple):
    name: str
    uid: int
    gid: int
    home: str


def find_user(root_fd: int, wanted: str, groups: Sequence[str] = ()) -> User:
    """Returns who `wanted` ("", "user", "user:group", each a name or an id) is inside the root; else StartError.

    `groups` are names or ids of supplementary groups, besides those that the group file tells.
    """
    group_file = read(root_fd, "etc/group")
    user = resolve(wanted, read(root_fd, "etc/passwd"), group_file)
    if not groups:
        return user
    more = (_group_id(name, group_file, wanted) for name in groups)
    return user._replace(groups=tuple(dict.fromkeys((*user.groups, *more))))


def resolve(wanted: str, passwd: str, group: str) -> User:
    """Decides who `wanted` is by the texts of passwd(5) and group(5)."""
    user_name, colon, group_name = wanted.partition(":")
    if colon and not group_name:
        raise _unknown(wanted, "user", wanted)
    entries = _passwd_entries(passwd)
    user_name = user_name or "0"
    number = _number(user_name, wanted)
    if number is None:
        entry = next((entry for entry in entries if entry.name == user_name), None)
        if entry is None:
            raise _unknown(user_name, "user", wanted)
    else:
        entry = next((entry for entry in entries if entry.uid == number), None)
        entry = entry or _Entry("", number, 0, "/")
    if not colon:
        groups = (gid for _, gid, members in _group_entries(group) if entry.name and entry.name in members)
        return User(entry.uid, entry.gid, tuple(dict.fromkeys(groups)), entry.home)
    return User(entry.uid, _group_id(group_name, group, wanted), (), entry.home)


def _group_id(group_name: str, group: str, wanted: str) -> int:
    gid = _number(group_name, wanted)
    if gid is None:
        gid = next((gid for name, gid, _ in _group_entries(group) if name == group_name), None)
        if gid is None:
            raise _unknown(group_name, "group", wanted)
    return gid


def read(root_fd: int, path: str) -> str:
    """Returns the beginning of a regular file inside the root; empty when there is no such file."""
    try:
        fd = targets.find(root_fd, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except SyscallError:
        return ""
    if fd is None:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return ""
        return os.read(fd, _LARGEST_BYTES).decode("utf-8", "replace")
    finally:
        os.close(fd)


def _number(text: str, wanted: str) -> int | None:
    if not (text.isascii() and text.isdigit()):
        return None
    number = int(text)
    if number > _LARGEST_ID:
        raise StartError(
            f"cannot run as {wanted!r}: ids end at {_LARGEST_ID}", stage="user", hint="choose a smaller id"
        )
    return number


def _unknown(name: str, kind: str, wanted: str) -> StartError:
    return StartError(
        f"cannot run as {wanted!r}: the image has no {kind} {name!r}",
        stage="user",
        hint=f"add the {kind} to the image, or give a number",
    )


def _passwd_entries(text: str) -> list[_Entry]:
    entries = []
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) >= 7 and _is_id(fields[2]) and _is_id(fields[3]):
            entries.append(_Entry(fields[0], int(fields[2]), int(fields[3]), fields[5] or "/"))
    return entries


def _group_entries(text: str) -> list[tuple[str, int, frozenset[str]]]:
    entries = []
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and _is_id(fields[2]):
            entries.append((fields[0], int(fields[2]), frozenset(fields[3].split(","))))
    return entries


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= _LARGEST_ID
