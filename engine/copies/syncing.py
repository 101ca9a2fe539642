"""Brings files in containers to what they are here: copies what is there, removes what is gone."""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine import syscalls
from engine.copies.copying import Begin, Copied, archive_from, into_containers
from engine.copies.receiving import Received, receive_all
from engine.copies.removing import remove
from engine.copies.sending import Source, send_those_there
from engine.copies.settling import INSIDE, Owner
from engine.errors import CopyError, SyscallError
from engine.syscalls import AT_FDCWD
from engine.users import find_user


class Change(NamedTuple):
    """A path of this side and the one in containers that is to be like it; `wanted` as for engine.copies.sending."""

    path: str
    place: str
    wanted: Callable[[str, bool], bool] | None = None


def sync(
    begins: Sequence[Begin], changes: Sequence[Change], gone: Sequence[str], user: str
) -> list[Copied | CopyError]:
    """Copies changes into each of some containers after removing there what is `gone`.

    What is made belongs to `user`, as containers say it. An error stands for a container that could not be changed.
    """
    sources = [
        Source(
            path=change.path,
            shown=change.path,
            name=os.fsencode(change.place.lstrip("/")),
            holes=True,
            hard_links=False,
            wanted=change.wanted,
        )
        for change in changes
    ]

    def take(reading: int) -> Received:
        root = os.open("/", os.O_PATH | os.O_DIRECTORY)
        found = find_user(root, user)
        for path in gone:
            _remove(path)
        rules = INSIDE._replace(owner=Owner(found.uid, found.gid), replace=True)
        return receive_all(archive_from(reading), "/", rules)

    return into_containers(begins, take, lambda write: send_those_there(sources, write))


def _remove(path: str) -> None:
    above, _, name = path.rstrip("/").rpartition("/")
    if name in {"", ".", ".."}:
        return
    try:
        parent = syscalls.openat2(AT_FDCWD, above or "/", os.O_RDONLY | os.O_DIRECTORY, INSIDE.resolve)
    except SyscallError:  # with its directory, it is gone already
        return
    try:
        remove(parent, os.fsencode(name))
    except OSError as error:
        raise CopyError(f"cannot remove {path}: {error.strerror}") from error
    finally:
        os.close(parent)
