"""`windlass ps`."""

import sys
import time
from collections.abc import Iterable
from typing import Annotated

from compose import naming
from compose.cli.choices import one_of
from compose.cli.chosen import choose
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.doing.observe import containers
from compose.errors import FileError, UsageError
from compose.showing.formats import listed, require_format
from compose.showing.listing import CONTAINERS, container_rows, state_word
from compose.showing.loglines import loss_text
from engine.state import ContainerRecord

STATES = ("paused", "restarting", "removing", "running", "dead", "created", "exited")
RUNNING = ("running", "restarting", "paused")


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    everything: Annotated[bool, Option("--all", "-a", tells="Stopped containers, too.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Ids only.")] = False,
    names_only: Annotated[bool, Option("--services", tells="Names of services only.")] = False,
    status: Annotated[list[str] | None, Option(tells="Only containers in this state; may be repeated.")] = None,
    filters: Annotated[list[str] | None, Option("--filter", tells="status=STATE, as --status STATE.")] = None,
    output: Annotated[str, Option("--format", tells="table, json (one object a line), or a template.")] = "table",
    no_trunc: Annotated[bool, Option("--no-trunc", tells="Ids, commands and mounts in full.")] = False,
    orphans: Annotated[
        bool, Option("--orphans/--no-orphans", tells="Containers of services that the file lacks, too.")
    ] = True,
) -> None:
    """Lists the containers, whether a supervisor lives or not."""
    require_format(output)
    states = _states((*(status or ()), *map(_state_of, filters or ())))
    session.require_root()
    found = choose(session, containers(session.stack_layout()), services or ())
    shown = [record for record in found if _is_shown(record, states, everything=everything)]
    if not orphans:
        shown = _declared(session, shown)
    if quiet:
        text = "".join(f"{record.spec.id}\n" for record in shown)
    elif names_only:
        text = "".join(f"{name}\n" for name in dict.fromkeys(record.spec.service for record in shown))
    else:
        text = listed(container_rows(shown, now_ns=time.time_ns(), whole=no_trunc), output, CONTAINERS)
    sys.stdout.write(text)
    if output == "table" and not (quiet or names_only):
        for record in shown:
            if record.state.dropped_bytes:
                session.warn(loss_text(record))
            if record.state.failure and record.state.status == "running":
                session.warn(f"the health check of {record.spec.name} cannot run: {record.state.failure}")
            for trouble in record.state.troubles:
                session.warn(f"{record.spec.name}: {trouble}")


def _is_shown(record: ContainerRecord, states: tuple[str, ...], *, everything: bool) -> bool:
    state = state_word(record.state)
    if states:
        return state in states
    return everything or (state in RUNNING and record.spec.labels.get(naming.ONE_OFF) != "True")


def _declared(session: Session, records: Iterable[ContainerRecord]) -> list[ContainerRecord]:
    """Those of services that the file has; all of them where there is no file to ask."""
    try:
        stack = session.stack()
    except FileError:
        return list(records)
    return [record for record in records if record.spec.service in stack.services]


def _states(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(one_of("--status", word, STATES) for word in words)


def _state_of(text: str) -> str:
    key, _, state = text.partition("=")
    if key != "status":
        raise UsageError(f"--filter {text}: only status=STATE is known", hint="for example --filter status=running")
    return state
