"""`windlass top`."""

import sys
from typing import Annotated

from compose.cli.chosen import choose
from compose.cli.options import Argument
from compose.cli.session import Session
from compose.doing.observe import containers
from compose.showing.tables import table
from engine import programs
from engine.cgroups import Cgroups

COLUMNS = ("uid", "pid", "ppid", "c", "stime", "tname", "time", "args")
HEADER = ("SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
) -> None:
    """Lists the processes of the containers, with the host's numbers."""
    session.require_root()
    place = session.stack_layout()
    cgroups = Cgroups(place.label)
    rows = [
        (record.spec.service, str(record.spec.number), *columns)
        for record in choose(session, containers(place), services or ())
        for columns in _processes(cgroups.find(record.spec.id, record.spec.cgroup_parent).pids())
    ]
    if rows:
        sys.stdout.write(table(HEADER, rows))


def _processes(pids: tuple[int, ...]) -> list[list[str]]:
    """What ps(1) says of some processes; those that have ended meanwhile are left out."""
    if not pids:
        return []
    numbers = ",".join(map(str, pids))
    said = programs.run(["ps", "-ww", "-o", ",".join(f"{column}=" for column in COLUMNS), "-p", numbers])
    return [line.split(None, len(COLUMNS) - 1) for line in said.decode(errors="replace").splitlines()]
