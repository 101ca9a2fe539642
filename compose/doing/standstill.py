"""Makes a container stand still for a moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from compose.doing.connection import Connection
from engine.protocol import Pause, Unpause
from engine.state import ContainerRecord


@contextmanager
def standstill(connection: Connection, record: ContainerRecord) -> Iterator[None]:
    """Pauses a container for the block; one that does not run, or is paused already, is left as it is.

    It goes on as well when this process is killed.
    """
    if record.state.status != "running" or record.state.paused:
        yield
        return
    client = connection.client()
    client.ask(Pause(id=record.spec.id, held=True))
    try:
        yield
    finally:
        client.ask(Unpause(id=record.spec.id))
