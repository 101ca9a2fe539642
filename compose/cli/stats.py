"""`windlass stats`."""

import sys
import time
from collections.abc import Iterable, Mapping
from typing import Annotated

from compose.cli.chosen import choose
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.doing.observe import containers
from compose.showing.formats import listed, require_format
from compose.showing.usage import USAGES, usage_row
from engine.cgroups import Cgroups
from engine.layout import StackLayout
from engine.state import ContainerRecord
from engine.usage import Usage, read_usage

PERIOD_SECONDS = 1.0
FIRST_SECONDS = 0.5
CLEAR = "\x1b[H\x1b[J"
Sample = Mapping[str, tuple[Usage, int]]
"""Usage by container's id, each with the moment that it was read at (time.monotonic_ns)."""


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    everything: Annotated[bool, Option("--all", "-a", tells="Stopped containers, too.")] = False,
    no_stream: Annotated[bool, Option("--no-stream", tells="Once, then end.")] = False,
    no_trunc: Annotated[bool, Option("--no-trunc", tells="Ids in full.")] = False,
    output: Annotated[str, Option("--format", tells="table, json (one object a line), or a template.")] = "table",
) -> None:
    """Shows what the containers use, again every second until Ctrl-C."""
    require_format(output)
    session.require_root()
    place = session.stack_layout()
    live = not no_stream and sys.stdout.isatty() and output.startswith("table")
    records = choose(session, containers(place), services or ())
    before = _sample(place, records)
    seconds = FIRST_SECONDS
    while True:
        time.sleep(seconds)  # a rate takes two looks: there is no event to wait for
        records = choose(session, containers(place), services or ())
        now = _sample(place, records)
        rows = [
            usage_row(record, now.get(record.spec.id), before.get(record.spec.id), whole=no_trunc)
            for record in records
            if everything or record.spec.id in now
        ]
        sys.stdout.write((CLEAR if live else "") + listed(rows, output, USAGES))
        sys.stdout.flush()
        if no_stream:
            return
        before, seconds = now, PERIOD_SECONDS


def _sample(place: StackLayout, records: Iterable[ContainerRecord]) -> Sample:
    """What the running containers use now."""
    cgroups = Cgroups(place.label)
    return {
        record.spec.id: (
            read_usage(
                cgroups.find(record.spec.id, record.spec.cgroup_parent),
                pid=record.state.process.pid,
                own_network=record.spec.namespaces.network != "host",
            ),
            time.monotonic_ns(),
        )
        for record in records
        if record.state.status == "running" and record.state.process
    }
