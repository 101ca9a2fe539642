"""Copies between this side and containers: the process inside does one half, this one the other."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from engine.copies import visits
from engine.copies.pipes import BrokenOffError, Fan, PipeSource, wide_pipe, write_all
from engine.copies.places import Wish, split_name
from engine.copies.receiving import Received, receive, receive_all
from engine.copies.sending import Source, Write, send
from engine.copies.settling import INSIDE, OUTSIDE
from engine.copies.visits import Job, Report, Visit
from engine.errors import CopyError, EngineError
from engine.images.tarstream import TarStream
from engine.syscalls import Resolve

Begin = Callable[[Job, Sequence[int]], Visit]
"""Begins a job inside a container, with the descriptors that it needs."""

_KERNEL_DIRECTORIES = ("proc", "sys", "dev")


class Manner(NamedTuple):
    """How to copy: `archive` keeps owners, whole modes and attributes, `follow` takes what a source's link leads to."""

    archive: bool = False
    follow: bool = False


class Copied(NamedTuple):
    """What was copied."""

    entries: int
    size_bytes: int
    left_out: tuple[str, ...]
    left_out_count: int


def copy_out(begin: Begin, path: str, destination: str, manner: Manner) -> Copied:
    """Copies a container's file or directory to a path on this side."""
    name, contents_only = split_name(path)
    rules = OUTSIDE._replace(owner=None) if manner.archive else OUTSIDE
    wish = Wish(name, contents_only, destination)

    def take(reading: int) -> Received:
        return receive(archive_from(reading), wish, rules)

    return _from_container(begin, _inner_source(path, manner, holes=True), take)


def stream_out(begin: Begin, path: str, write: Write, manner: Manner) -> Copied:
    """Writes a container's file or directory as a tar archive."""
    name, contents_only = split_name(path)
    source = _inner_source(path, manner, holes=False)
    if not contents_only:
        source = source._replace(name=os.fsencode(name), kernel=frozenset())

    def pass_on(reading: int) -> Received:
        total = 0
        while chunk := os.read(reading, 1 << 20):
            write(chunk)
            total += len(chunk)
        return Received(0, total, ())

    return _from_container(begin, source, pass_on)


def copy_in(begins: Sequence[Begin], source: str, destination: str, manner: Manner) -> list[Copied | CopyError]:
    """Copies a file or directory of this side into each of some containers; an error for those that took nothing."""
    found = _local(source)
    wish = Wish(found.name, found.contents_only, destination)
    rules = INSIDE._replace(owner=None) if manner.archive else INSIDE
    sent = Source(
        path=source,
        shown=source,
        follow=manner.follow or source.endswith("/") or found.contents_only,
        attributes=manner.archive,
        holes=True,
    )
    return into_containers(
        begins,
        lambda reading: receive(archive_from(reading), wish, rules),
        lambda write: send(sent, write),
    )


def stream_in(begins: Sequence[Begin], fd: int, directory: str, manner: Manner) -> list[Copied | CopyError]:
    """Unpacks a tar archive, read from a descriptor, into a directory of each of some containers."""
    rules = (INSIDE._replace(owner=None) if manner.archive else INSIDE)._replace(trusted=False)

    def pass_on(write: Write) -> tuple[str, ...]:
        while chunk := os.read(fd, 1 << 18):
            write(chunk)
        return ()

    return into_containers(begins, lambda reading: receive_all(archive_from(reading), directory, rules), pass_on)


def into_containers(
    begins: Sequence[Begin], take: Callable[[int], Received], give: Callable[[Write], Sequence[str]]
) -> list[Copied | CopyError]:
    """Has `take` read an archive inside each container while `give` writes it here, once for all."""
    with ExitStack() as resources:
        under_way: list[Visit] = []
        writers: list[int] = []
        try:
            for begin in begins:
                reading, writing = wide_pipe()
                try:
                    under_way.append(begin(partial(_taking, take, reading), (reading,)))
                except BaseException:
                    os.close(writing)
                    raise
                finally:
                    os.close(reading)
                resources.callback(visits.close, under_way[-1])
                writers.append(writing)
            left_out = _give(give, Fan(writers))
        except BaseException:
            _close(writers)
            for visit in under_way:
                visits.abandon(visit)
            raise
        _close(writers)
        return [_outcome(visits.finish(visit), left_out) for visit in under_way]


class _Local(NamedTuple):
    name: str
    contents_only: bool


def _local(path: str) -> _Local:
    """A path of this side: its name, and whether only what it contains is meant."""
    contents_only = path in {".", "/"} or path.endswith("/.")
    return _Local(os.path.basename(os.path.abspath(path)), contents_only)  # noqa: PTH100, PTH119 - the user's text


def _inner_source(path: str, manner: Manner, *, holes: bool) -> Source:
    _, contents_only = split_name(path)
    whole = split_name(path)[0] == ""
    return Source(
        path=f"/{path.lstrip('/')}",
        shown=path,
        follow=manner.follow or contents_only or path.endswith("/"),
        attributes=manner.archive,
        holes=holes,
        resolve=Resolve.NO_MAGICLINKS,
        kernel=frozenset(f"./{name}".encode() for name in _KERNEL_DIRECTORIES) if whole else frozenset(),
    )


def _from_container(begin: Begin, source: Source, take: Callable[[int], Received]) -> Copied:
    """Has a process inside write an archive that `take` reads here."""
    reading, writing = wide_pipe()
    visit: Visit | None = None
    with ExitStack() as resources:
        try:
            try:
                visit = begin(partial(_sending, source, writing), (writing,))
            finally:
                os.close(writing)
            resources.callback(visits.close, visit)
            received = take(reading)
        except EngineError as error:
            os.close(reading)
            reading = -1
            told = visits.finish(visit) if visit is not None else Report()
            if told.message and not told.broken_off:
                raise CopyError(told.message, hint=told.hint) from error
            raise
        except BaseException:
            os.close(reading)
            reading = -1
            if visit is not None:
                visits.abandon(visit)
            raise
        finally:
            if reading >= 0:
                os.close(reading)
        outcome = _outcome(visits.finish(visit), received.left_out)
    if isinstance(outcome, CopyError):
        raise outcome
    return outcome._replace(entries=received.entries, size_bytes=received.size_bytes)


def archive_from(reading: int) -> TarStream:
    """The archive that comes out of a pipe."""

    def forget(_bytes: bytes | memoryview) -> None:
        """Nobody needs the archive's own bytes."""

    return TarStream(PipeSource(reading), forget)


def _sending(source: Source, writing: int) -> Report:
    return visits.done(left_out=send(source, partial(write_all, writing)))


def _taking(take: Callable[[int], Received], reading: int) -> Report:
    received = take(reading)
    return visits.done(received.entries, received.size_bytes, received.left_out)


def _give(give: Callable[[Write], Sequence[str]], fan: Fan) -> Sequence[str]:
    """Writes the archive; why nobody takes it is told by those who do not."""
    try:
        return give(fan.write)
    except BrokenOffError:
        return ()


def _close(fds: list[int]) -> None:
    while fds:
        os.close(fds.pop())


def _outcome(told: Report, left_out: Sequence[str]) -> Copied | CopyError:
    if told.message:
        return CopyError(told.message, hint=told.hint)
    return Copied(told.entries, told.size_bytes, (*told.left_out, *left_out), told.left_out_count + len(left_out))
