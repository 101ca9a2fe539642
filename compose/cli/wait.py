"""`windlass wait`."""

import sys
from typing import Annotated

from compose.cli import down
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.deciding.plan_life import of_services
from compose.doing.connection import Connection
from compose.doing.observe import containers
from compose.errors import UsageError
from engine.protocol import Failure, OneContainer, Wait
from engine.state import ContainerRecord


def command(
    session: Session,
    services: Annotated[list[str], Argument("Whose containers.")],
    *,
    down_project: Annotated[bool, Option("--down-project", tells="Take the stack down afterwards.")] = False,
) -> int:
    """Waits until the containers of services have ended; the last one's status becomes ours."""
    session.require_root()
    place = session.stack_layout()
    found = containers(place)
    for name in services:
        if not of_services(found, (name,)):
            raise UsageError(f"service {name} has no container to wait for", hint="windlass ps -a lists all that exist")
    with session.connection(place) as connection:
        status = _wait(connection, of_services(found, tuple(services)))
    if down_project:
        down.command(session)
    return status


def _wait(connection: Connection, records: tuple[ContainerRecord, ...]) -> int:
    """Prints each end as it comes; returns the status of the last one, 1 if that is unknown."""
    client = connection.client()
    open_waits = {client.send(Wait(id=record.spec.id, condition="exited")): record for record in records}
    status = 0
    while open_waits:
        number, reply = client.receive()
        record = open_waits.pop(number, None)
        if record is None:
            continue
        if isinstance(reply, Failure):
            raise UsageError(reply.message, hint=reply.hint)
        code = reply.record.state.exit_code if isinstance(reply, OneContainer) else None
        status = 1 if code is None else code
        shown = "unknown" if code is None else code
        sys.stdout.write(f'container "{record.spec.id}" exited with status code {shown}\n')
        sys.stdout.flush()
    return status
