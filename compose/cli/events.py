"""`windlass events`."""

import sys
import time
from contextlib import closing
from typing import Annotated

from compose.cli.chosen import require_known
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.cli.texts import printable
from compose.doing.happened import event_json, event_text
from compose.doing.observe import containers
from compose.showing.moments import moment
from engine.eventfollow import DirectoryWatch
from engine.eventlog import EventReader
from engine.protocol import Event


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    as_json: Annotated[bool, Option("--json", tells="One JSON object a line.")] = False,
    since: Annotated[str, Option(tells="Also what has happened since this time, or for so long (10m).")] = "",
    until: Annotated[str, Option(tells="End at this time.")] = "",
) -> None:
    """Tells what happens to the containers, until Ctrl-C; a stack that is not up yet is waited for."""
    now_ns = time.time_ns()
    since_ns = moment("--since", since, now_ns=now_ns) if since else None
    until_ns = moment("--until", until, now_ns=now_ns) if until else None
    session.require_root()
    place = session.stack_layout()
    if services:
        require_known(session, {record.spec.service for record in containers(place)}, services)

    def is_shown(event: Event) -> bool:
        return (
            not event.one_off
            and (not services or event.service in services)
            and (since_ns is None or event.time_ns >= since_ns)
            and (until_ns is None or event.time_ns <= until_ns)
        )

    text = event_json if as_json else _harmless
    with closing(DirectoryWatch(place.directory)) as watch, closing(EventReader(place.directory)) as reader:
        if since_ns is None:
            reader.skip()
        news = reader.history() if since_ns is not None else []
        while True:
            sys.stdout.write("".join(f"{text(event)}\n" for event in news if is_shown(event)))
            sys.stdout.flush()
            if until_ns is not None and time.time_ns() >= until_ns:
                return
            watch.wait(None if until_ns is None else max(0, until_ns - time.time_ns()) / 1e9)
            news = reader.news()


def _harmless(event: Event) -> str:
    return printable(event_text(event)).replace("\n", "\\n")
