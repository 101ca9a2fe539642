"""`windlass cp`."""

import os
import stat
import sys
from typing import Annotated, NamedTuple

from compose.cli import failures
from compose.cli.chosen import containers_of
from compose.cli.options import Argument, Option
from compose.cli.ownership import require_own
from compose.cli.session import Session
from compose.doing.insides import insides
from compose.errors import UsageError
from compose.times import size_text
from engine.copies import copying
from engine.copies.copying import Copied, Manner
from engine.errors import CopyError
from engine.layout import StackLayout
from engine.state import ContainerRecord

STREAM = "-"


class _Place(NamedTuple):
    """One side of a copy: a container's path, or (no service) one of ours."""

    service: str
    path: str


def command(
    session: Session,
    source: Annotated[str, Argument("SERVICE:PATH, a path of this machine, or - for a tar archive on our input.")],
    destination: Annotated[str, Argument("Likewise; - writes a tar archive to our output.")],
    *,
    archive: Annotated[bool, Option("--archive", "-a", tells="Keep owners, whole modes, attributes.")] = False,
    follow_link: Annotated[bool, Option("--follow-link", "-L", tells="Copy what the source's link leads to.")] = False,
    index: Annotated[int, Option("--index", tells="The replica's number.")] = 0,
    every: Annotated[bool, Option("--all", tells="Include containers made by `run`.")] = False,
) -> int:
    """Copies files and directories between this machine and containers, running or not."""
    session.refuse_dry_run("cp")
    session.require_root()
    here, there = _place(source), _place(destination)
    if bool(here.service) == bool(there.service):
        what = "two containers" if here.service else "two places of this machine"
        raise UsageError(f"cp copies between a container and this machine, not between {what}", hint=_hint(here))
    manner = Manner(archive=archive, follow=follow_link)
    place = session.stack_layout()
    service = here.service or there.service
    records = containers_of(session, place, service, index, one_offs=every)
    require_own(session, place.name, records)
    if here.service:
        return _copy_out(session, place, records[0], here.path, there.path, manner)
    return _copy_in(session, place, records, here.path, there.path, manner)


def _copy_out(
    session: Session, place: StackLayout, record: ContainerRecord, path: str, destination: str, manner: Manner
) -> int:
    with insides(place, [record], session.lock(place, "cp")) as (begin,):
        if destination == STREAM:
            if os.isatty(1):
                raise UsageError(
                    "a tar archive is nothing for a terminal", hint="write it to a file or a pipe: > it.tar"
                )
            sys.stdout.flush()
            copied = copying.stream_out(begin, path, sys.stdout.buffer.write, manner)
            sys.stdout.buffer.flush()
            _tell_left_out(session, copied)
            return 0
        _require_no_device(destination)
        copied = copying.copy_out(begin, path, destination, manner)
    _tell(session, copied, f"{record.spec.name}:{path}", destination)
    return 0


def _copy_in(
    session: Session, place: StackLayout, records: list[ContainerRecord], source: str, path: str, manner: Manner
) -> int:
    with insides(place, records, session.lock(place, "cp")) as begins:
        inner = f"/{path.lstrip('/')}"
        if source == STREAM:
            if os.isatty(0):
                raise UsageError(
                    "a tar archive is expected on our input", hint="pipe one in: tar c . | windlass cp - ..."
                )
            outcomes = copying.stream_in(begins, 0, inner, manner)
        else:
            outcomes = copying.copy_in(begins, source, inner, manner)
    failed = 0
    for record, outcome in zip(records, outcomes, strict=True):
        if isinstance(outcome, CopyError):
            failures.write(sys.stderr, f"{record.spec.name}: {outcome.message}", outcome.hint)
            failed = failures.WRONG
        else:
            _tell(session, outcome, source, f"{record.spec.name}:{path}")
    return failed


def _tell(session: Session, copied: Copied, source: str, destination: str) -> None:
    entries = "1 file" if copied.entries == 1 else f"{copied.entries} files"
    session.tell(f"Copied {entries}, {size_text(copied.size_bytes)}: {source} -> {destination}")
    _tell_left_out(session, copied)


def _tell_left_out(session: Session, copied: Copied) -> None:
    for text in copied.left_out:
        session.warn(f"left out: {text}")
    more = copied.left_out_count - len(copied.left_out)
    if more > 0:
        session.warn(f"left out: {more} more")


def _place(text: str) -> _Place:
    """What a word of the command line means: what begins like a path is one, whatever colons it has."""
    service, colon, path = text.partition(":")
    if text == STREAM or text.startswith((".", "/")) or not colon or "/" in service:
        return _Place("", text)
    if not service:
        raise UsageError(f"'{text}' names no service", hint="write SERVICE:PATH")
    return _Place(service, path or "/")


def _require_no_device(path: str) -> None:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - the user's text, as it is
    except OSError:
        return
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise UsageError(f"{path} is no file and no directory", hint="- writes a tar archive to our output")


def _hint(here: _Place) -> str:
    if here.service:
        return "copy to this machine first, or pipe: windlass cp a:/x - | windlass cp - b:/y"
    return "write SERVICE:PATH for a container's"
