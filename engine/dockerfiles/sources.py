"""The files that COPY names: found below a directory that nothing leads out of, listed, told apart by digests."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from engine.dockerfiles.ignoring import IgnoreRules, component_regex, has_wildcard
from engine.dockerfiles.problems import Mistake
from engine.errors import SyscallError
from engine.syscalls import Resolve, openat2

NO_RULES = IgnoreRules()
_CHUNK_BYTES = 1 << 20
_COPIED_KINDS = frozenset({stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK})


class Root(NamedTuple):
    """Where sources are looked for. `directory` is a descriptor, `title` what people call it.

    Links are followed as `resolve` says. Files of an image (`own_ids`) keep their owners; those of a context don't.
    """

    directory: int
    title: str
    resolve: Resolve
    rules: IgnoreRules = IgnoreRules()
    own_ids: bool = False


class Entry(NamedTuple):
    """One file below a source; `path` is relative to it and empty for the source itself."""

    path: str
    status: os.stat_result
    link: str = ""

    @property
    def kind(self) -> int:
        """S_IFREG, S_IFDIR or S_IFLNK."""
        return stat.S_IFMT(self.status.st_mode)


class Source(NamedTuple):
    """One file or directory to copy; the owner of a directory comes first among its `entries`.

    Where parents are kept, `kept` is its path with them, and `above` are they, the topmost first.
    """

    root: Root
    path: str
    entries: tuple[Entry, ...]
    kept: str = ""
    above: tuple[Entry, ...] = ()

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def is_directory(self) -> bool:
        """Says whether its content is copied, not itself."""
        return self.entries[0].kind == stat.S_IFDIR

    def open_top(self) -> int:
        """A new descriptor of the source itself."""
        return openat2(self.root.directory, self.path or ".", os.O_RDONLY | os.O_NONBLOCK, self.root.resolve)


def find_sources(
    root: Root, written: str, excluded: IgnoreRules = NO_RULES, *, parents: bool = False
) -> tuple[Source, ...]:
    """What a source of COPY stands for, one or more by a pattern, in order; Mistake when there is nothing.

    `excluded` are left out, by their paths below a directory or else their names. With `parents`, those from `/./` on,
    or all, are kept, and `**` stands for any number of directories.
    """
    path = _clean(written, root)
    before, pivot, _ = written.partition("/./")
    base = _clean(before, root) if parents and pivot else ""
    found = []
    ignored = ""
    for candidate in _expanded(root, path, deep=parents):
        pattern = root.rules.ignoring(candidate) if candidate else None
        entries = tuple(_included(_listed(root, candidate), candidate, excluded))
        if entries:
            source = Source(root, candidate, entries)
            found.append(_with_parents(source, base) if parents else source)
        elif pattern is not None:
            ignored = f"{root.rules.file}:{pattern.line} leaves it out: {pattern.text}"
    if not found and not excluded.patterns:
        raise Mistake(f"there is no {written!r} in {root.title}", hint=ignored)
    return tuple(found)


def _included(entries: Iterable[Entry], path: str, excluded: IgnoreRules) -> Iterator[Entry]:
    """The entries that are not left out; of a directory, itself always is there."""
    for entry in entries:
        name = entry.path if entry.path or entry.kind == stat.S_IFDIR else path.rpartition("/")[2]
        if not excluded.patterns or not name or excluded.ignoring(name) is None:
            yield entry


def _with_parents(source: Source, base: str) -> Source:
    kept = source.path.removeprefix(base).strip("/")
    parts = kept.split("/")[:-1]
    above = []
    for count in range(1, len(parts) + 1):
        path = "/".join(parts[:count])
        handle = openat2(source.root.directory, f"{base}/{path}".strip("/"), os.O_PATH, source.root.resolve)
        try:
            above.append(Entry(path, os.fstat(handle)))
        finally:
            os.close(handle)
    return source._replace(kept=kept, above=tuple(above))


def digests(source: Source, known: Callable[[str, os.stat_result], str] = lambda _path, _status: "") -> dict[str, str]:
    """What decides whether a source is still the same: each path's kind, mode, owner and content, not its times.

    A file whose digest is `known`, by its path and status, is not read; that is empty for all others.
    """
    result = {}
    top = source.open_top()
    try:
        for entry in source.entries:
            path = f"{source.path}/{entry.path}".strip("/") or "."
            result[path] = known(path, entry.status)
            if result[path]:
                continue
            digest = hashlib.sha256()
            owner = (entry.status.st_uid, entry.status.st_gid) if source.root.own_ids else (0, 0)
            digest.update(f"{entry.status.st_mode:o} {owner} {entry.link}\0".encode(errors="surrogateescape"))
            if entry.kind == stat.S_IFREG:
                file = open_entry(top, entry)
                try:
                    while chunk := os.read(file, _CHUNK_BYTES):
                        digest.update(chunk)
                finally:
                    os.close(file)
            result[path] = digest.hexdigest()[:32]
    finally:
        os.close(top)
    return result


def open_entry(top: int, entry: Entry) -> int:
    """A new descriptor of a regular file; `top` is its source's."""
    if not entry.path:
        return os.open(f"/proc/self/fd/{top}", os.O_RDONLY)
    return openat2(top, entry.path, os.O_RDONLY | os.O_NONBLOCK, Resolve.BENEATH | Resolve.NO_SYMLINKS)


def _clean(written: str, root: Root) -> str:
    parts: list[str] = []
    for part in written.split("/"):
        if part == "..":
            if not parts:
                raise Mistake(f"{written!r} leads out of {root.title}", hint="move it there, or choose a context above")
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _expanded(root: Root, path: str, *, deep: bool) -> Iterator[str]:
    """The paths that fit a pattern, sorted; a path without wildcards stands for itself."""
    found = [""]
    for part in path.split("/") if path else ():
        if deep and part == "**":
            found = sorted({below for parent in found for below in _directories(root, parent)})
        elif has_wildcard(part):
            regex = component_regex(part)
            found = [
                f"{parent}/{name}".lstrip("/")
                for parent in found
                for name in _names(root, parent)
                if regex.fullmatch(name)
            ]
        else:  # what a pattern met on the way may be no directory, or lead out: then it is not meant
            found = [f"{parent}/{part}".lstrip("/") for parent in found if found == [parent] or _names(root, parent)]
    yield from found


def _directories(root: Root, path: str) -> Iterator[str]:
    """A directory and all below it, links not followed."""
    yield path
    for name in _names(root, path):
        below = f"{path}/{name}".lstrip("/")
        if stat.S_ISDIR(_status(root, below).st_mode):
            yield from _directories(root, below)


def _status(root: Root, path: str) -> os.stat_result:
    parent, _, name = path.rpartition("/")
    directory = openat2(root.directory, parent or ".", os.O_PATH | os.O_DIRECTORY, root.resolve)
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    finally:
        os.close(directory)


def _names(root: Root, path: str) -> list[str]:
    try:
        directory = openat2(root.directory, path or ".", os.O_RDONLY | os.O_DIRECTORY, root.resolve)
    except SyscallError:
        return []
    try:
        return sorted(os.listdir(directory))
    finally:
        os.close(directory)


def _listed(root: Root, path: str) -> Iterator[Entry]:
    """A source's entries; none when it is not there or left out."""
    try:
        top = openat2(root.directory, path or ".", os.O_RDONLY | os.O_NONBLOCK, root.resolve)
    except SyscallError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            return
        if error.errno == errno.EXDEV:
            raise Mistake(f"{path!r} is a link that leads out of {root.title}") from None
        raise
    try:
        status = os.fstat(top)
        kept = not path or root.rules.ignoring(path) is None
        if stat.S_ISDIR(status.st_mode):
            below = list(_below(root, top, path, "")) if kept or root.rules.may_keep_below else []
            if kept or below:
                yield Entry("", status)
                yield from below
        elif kept and stat.S_ISREG(status.st_mode):
            yield Entry("", status)
    finally:
        os.close(top)


def _below(root: Root, directory: int, path: str, prefix: str) -> Iterator[Entry]:
    for name in sorted(os.listdir(directory)):
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_IFMT(status.st_mode) not in _COPIED_KINDS:
            continue
        here = f"{path}/{name}".lstrip("/")
        kept = root.rules.ignoring(here) is None
        if not stat.S_ISDIR(status.st_mode):
            if kept:
                link = os.readlink(name, dir_fd=directory) if stat.S_ISLNK(status.st_mode) else ""
                yield Entry(prefix + name, status, link)
            continue
        if not kept and not root.rules.may_keep_below:
            continue
        child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
        try:
            below = list(_below(root, child, here, f"{prefix}{name}/"))
        finally:
            os.close(child)
        if kept or below:
            yield Entry(prefix + name, status)
            yield from below
