"""`windlass logs`."""

import sys
from collections.abc import Iterable
from typing import Annotated

from compose.attachment import ALIVE, Attachment
from compose.cli import failures
from compose.cli.chosen import choose
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.connection import Connection
from compose.errors import UsageError
from compose.foreground import Foreground
from compose.interrupts import InterruptedByUser
from compose.loglines import Prefixes
from compose.observe import containers
from compose.times import timestamp
from engine.layout import StackLayout
from engine.logreader import LogLine, merge, read
from engine.state import ContainerRecord


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    follow: Annotated[bool, Option("--follow", "-f", tells="Go on until the containers end.")] = False,
    tail: Annotated[str, Option("--tail", "-n", tells="The last lines of each container, or all.")] = "all",
    timestamps: Annotated[bool, Option("--timestamps", "-t", tells="When each line was written.")] = False,
    no_color: Annotated[bool, Option("--no-color", tells="Prefixes without colours.")] = False,
    no_log_prefix: Annotated[bool, Option("--no-log-prefix", tells="No prefixes.")] = False,
) -> int:
    """Shows the output of the containers, in the order of time, whether a supervisor lives or not."""
    session.require_root()
    place = session.stack_layout()
    chosen = choose(session, containers(place), services or ())
    for record in chosen:
        if not record.spec.log.kept:
            session.warn(f"{record.spec.name} keeps no logs: its logging driver is 'none'")
    prefixes = Prefixes(
        place.name,
        [record.spec.name for record in chosen],
        color=session.color(sys.stdout) and not no_color,
        shown=not no_log_prefix,
    )
    if follow and any(record.state.status in ALIVE for record in chosen):
        attachment = Attachment(place, prefixes, relay=False, timestamps=timestamps, services=services or ())
        return _follow(place, attachment, chosen, _count(tail), session)
    lines = merge((record.spec.name, read(place.data(record.spec.id), tail=_count(tail))) for record in chosen)
    _print(lines, prefixes, timestamps=timestamps)
    return 0


def _follow(
    place: StackLayout, attachment: Attachment, chosen: list[ContainerRecord], tail: int | None, session: Session
) -> int:
    """Shows what there is, then what comes, until all containers have ended or Ctrl-C."""
    with (
        Connection(place) as connection,
        Foreground(connection, attachment, say=session.tell, open_progress=session.progress) as foreground,
    ):
        foreground.follow(chosen, tail=tail)
        try:
            return foreground.watch()
        except InterruptedByUser:
            return failures.INTERRUPTED


def _count(text: str) -> int | None:
    """How many lines `--tail` asks for; None for all."""
    if text == "all":
        return None
    if not text.isdigit():
        raise UsageError(f"--tail {text}: neither a number of lines nor 'all'", hint="for example --tail 20")
    return int(text)


def _print(lines: Iterable[tuple[str, LogLine]], prefixes: Prefixes, *, timestamps: bool) -> None:
    write = sys.stdout.buffer.write
    for name, line in lines:
        write(prefixes.line(name, line.text, timestamp(line.time_ns) if timestamps else ""))
    sys.stdout.buffer.flush()
