"""`windlass export`."""

import os
import sys
from typing import Annotated

from compose.cli.archivefiles import written
from compose.cli.chosen import containers_of
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from engine.images.store import ImageStore
from engine.versions.exports import export


def command(
    session: Session,
    service: Annotated[str, Argument("Whose container.")],
    *,
    output: Annotated[str, Option("--output", "-o", tells="A file to write to instead of our output.")] = "",
    index: Annotated[int, Option("--index", tells="The replica's number.")] = 0,
) -> None:
    """Writes the files of a service's container, without its volumes, as a tar archive."""
    session.refuse_dry_run("export")
    session.require_root()
    place = session.stack_layout()
    store = ImageStore(session.layout.images, session.layout.cache)
    with session.lock(place, "export"):
        record = containers_of(session, place, service, index)[0]
        with written(output, "windlass export") as file:
            sys.stdout.flush()
            export(store, place, record, lambda piece: _write_all(file, piece))


def _write_all(file: int, piece: bytes | memoryview) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(file, left) :]
