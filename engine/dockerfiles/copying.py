"""Copies sources into an image's root as COPY and ADD do."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

from engine.dockerfiles import placing
from engine.dockerfiles.modes import Mode
from engine.dockerfiles.placing import Attributes, Owner
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.sources import Entry, Source, open_entry
from engine.errors import StartError
from engine.users import find_user

_CHUNK_BYTES = 1 << 20
_FILE_MODE = 0o644


class Written(NamedTuple):
    """A file whose content stands in the Dockerfile."""

    name: str
    content: bytes


class Manner(NamedTuple):
    """How to copy: None leaves owners or modes as they are (a build context's files belong to root)."""

    owner: Owner | None = None
    mode: Mode | None = None
    unpack: bool = False
    parents: bool = False


def find_owner(root: int, written: str) -> Owner | None:
    """The value of --chown, names looked up in the image; a number alone is the group's, too. None when it is empty."""
    if not written:
        return None
    try:
        found = find_user(root, f"{written}:{written}" if written.isdigit() else written)
    except StartError:
        raise Mistake(f"--chown={written}: the image has no such user or group", hint="RUN useradd first") from None
    return Owner(found.uid, found.gid)


def copy(
    root: int,
    destination: str,
    sources: tuple[Source, ...],
    written: tuple[Written, ...],
    manner: Manner,
) -> None:
    """Copies to an absolute path inside the root. A path that ends with a slash, or is a directory, is copied into."""
    into = manner.parents or destination.endswith("/") or placing.is_directory(root, destination)
    for source in sources:
        place = _place(destination, source) if manner.parents else destination
        if source.is_directory:
            _copy_directory(root, place, source, manner)
        elif not (manner.unpack and _unpacked(root, place, source, manner)):
            _copy_file(root, place, source, manner, into=into)
        for entry in reversed(source.above):
            with placing.directory(root, f"{destination.rstrip('/')}/{entry.path}", Owner()) as handle:
                placing.put_attributes(handle, _attributes(entry, source, manner))
    owner = manner.owner or Owner()
    mode = _FILE_MODE if manner.mode is None else manner.mode.of(_FILE_MODE, directory=False)
    for file in written:
        parent, name = _file_place(destination, file.name, into=into)
        with placing.directory(root, parent, owner) as handle:
            placing.put_file(handle, name, (file.content,), Attributes(mode, owner))


def _place(destination: str, source: Source) -> str:
    """Where a source goes that keeps its parents: a directory's own place, or the one that a file goes into."""
    kept = source.kept if source.is_directory else source.kept.rpartition("/")[0]
    return f"{destination.rstrip('/')}/{kept}".rstrip("/") or "/"


def _file_place(destination: str, name: str, *, into: bool) -> tuple[str, str]:
    if into:
        return destination, name
    parent, _, last = destination.rpartition("/")
    return parent, last


def _copy_file(root: int, destination: str, source: Source, manner: Manner, *, into: bool) -> None:
    parent, name = _file_place(destination, source.name, into=into)
    top = source.open_top()
    try:
        with placing.directory(root, parent, manner.owner or Owner()) as handle:
            _put_file(handle, name, top, source, source.entries[0], manner)
    finally:
        os.close(top)


def _unpacked(root: int, destination: str, source: Source, manner: Manner) -> bool:
    from engine.dockerfiles import archives  # noqa: PLC0415 - most files are only copied

    top = source.open_top()
    try:
        if not archives.is_archive(top):
            return False
        with placing.directory(root, destination, manner.owner or Owner()):
            archives.unpack(top, root, destination)
    finally:
        os.close(top)
    return True


def _copy_directory(root: int, destination: str, source: Source, manner: Manner) -> None:
    """Copies what a directory holds; itself only along with its parents. Directories get their attributes last."""
    top = source.open_top()
    with ExitStack() as stack:
        stack.callback(os.close, top)
        late: list[tuple[str, Attributes]] = []
        for entry in source.entries:
            shown = f"{destination}/{entry.path}" if entry.path else destination
            if entry.kind == stat.S_IFDIR:
                if entry.path or manner.parents:
                    late.append((shown, _attributes(entry, source, manner)))
                with placing.directory(root, shown, manner.owner or Owner()):
                    continue
            parent, _, name = shown.rpartition("/")
            with placing.directory(root, parent, manner.owner or Owner()) as handle:
                if entry.kind == stat.S_IFLNK:
                    placing.put_link(handle, name, entry.link, _attributes(entry, source, manner))
                else:
                    _put_file(handle, name, top, source, entry, manner)
        for shown, attributes in reversed(late):
            with placing.directory(root, shown, Owner()) as handle:
                placing.put_attributes(handle, attributes)


def _put_file(parent: int, name: str, top: int, source: Source, entry: Entry, manner: Manner) -> None:
    file = open_entry(top, entry)
    try:
        extended = placing.kept_attributes(file) if source.root.own_ids else ()
        attributes = _attributes(entry, source, manner)._replace(extended=extended)
        placing.put_file(parent, name, _chunks(file), attributes)
    finally:
        os.close(file)


def _attributes(entry: Entry, source: Source, manner: Manner) -> Attributes:
    own = Owner(entry.status.st_uid, entry.status.st_gid) if source.root.own_ids else Owner()
    mode = stat.S_IMODE(entry.status.st_mode)
    if manner.mode is not None:
        mode = manner.mode.of(mode, directory=entry.kind == stat.S_IFDIR)
    return Attributes(mode, manner.owner or own, entry.status.st_mtime_ns)


def _chunks(file: int) -> Iterator[bytes]:
    while chunk := os.read(file, _CHUNK_BYTES):
        yield chunk
