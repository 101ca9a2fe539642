"""`windlass commit`."""

import sys
import time
from contextlib import nullcontext
from typing import Annotated

from compose.cli.chosen import containers_of
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.doing.connection import Connection
from compose.doing.standstill import standstill
from compose.errors import UsageError
from engine.images.references import parse_reference
from engine.images.store import ImageStore
from engine.versions.commits import Order, commit


def command(
    session: Session,
    service: Annotated[str, Argument("Whose container.")],
    name: Annotated[str, Argument("What the image is called.", metavar="[REPOSITORY[:TAG]]")] = "",
    *,
    author: Annotated[str, Option("--author", "-a", tells="Who says so: 'Ada <ada@example.com>'.")] = "",
    message: Annotated[str, Option("--message", "-m", tells="What has changed.")] = "",
    change: Annotated[
        list[str] | None, Option("--change", "-c", tells="A Dockerfile's instruction about settings; may be repeated.")
    ] = None,
    pause: Annotated[bool, Option("--pause/--no-pause", "-p", tells="The container stands still meanwhile.")] = True,
    index: Annotated[int, Option("--index", tells="The replica's number.")] = 0,
) -> None:
    """Makes an image of what a service's container has become, and prints its id."""
    session.refuse_dry_run("commit")
    session.require_root()
    if name and parse_reference(name).digest:
        raise UsageError(f"{name} is no name to give: its content decides an image's digest", hint="write NAME:TAG")
    place = session.stack_layout()
    store = ImageStore(session.layout.images, session.layout.cache)
    order = Order(time.time_ns(), name, author, message, tuple(change or ()))
    with session.lock(place, "commit"), Connection(place) as connection:
        record = containers_of(session, place, service, index)[0]
        still = standstill(connection, record) if pause else nullcontext()
        image = commit(store, place, record, order, still)
    session.tell(f"Container {record.spec.name} committed{f' as {parse_reference(name).familiar}' if name else ''}")
    sys.stdout.write(f"{image.id}\n")
