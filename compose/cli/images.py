"""`windlass images`."""

import sys
import time
from typing import Annotated

from compose.cli.chosen import choose
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.doing.observe import containers
from compose.showing.formats import Row, Shape, listed, require_format
from compose.showing.tables import table
from compose.times import rough_duration, size_text, timestamp
from engine.images.model import Image
from engine.images.store import ImageStore
from engine.state import ContainerRecord

HEADER = ("CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED")
IMAGES = Shape(
    columns=(),
    headers={
        "ID": "IMAGE ID",
        "ContainerName": "CONTAINER",
        "Repository": "REPOSITORY",
        "Tag": "TAG",
        "Platform": "PLATFORM",
        "Size": "SIZE",
        "Created": "CREATED",
    },
    array=True,
)


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Ids only.")] = False,
    output: Annotated[str, Option("--format", tells="table, json (one array), or a template.")] = "table",
) -> None:
    """Lists the images that the stack's containers use."""
    require_format(output)
    session.require_root()
    found = choose(session, containers(session.stack_layout()), services or ())
    store = ImageStore(session.layout.images, session.layout.cache)
    rows = [(record, store.find(record.spec.image_id)) for record in found]
    if quiet:
        text = "".join(f"{image_id}\n" for image_id in dict.fromkeys(_digits(record) for record, _ in rows))
    elif output == "table":
        text = table(HEADER, [_row(record, image) for record, image in rows])
    else:
        text = listed([Row(_values(record, image), record.spec.labels) for record, image in rows], output, IMAGES)
    sys.stdout.write(text)


def _digits(record: ContainerRecord) -> str:
    return record.spec.image_id.removeprefix("sha256:")


def _name(record: ContainerRecord) -> tuple[str, str]:
    """An image's name as repository and tag; a port of a registry is no tag."""
    repository, colon, tag = record.spec.image_name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (record.spec.image_name, "latest")


def _row(record: ContainerRecord, image: Image | None) -> tuple[str, ...]:
    created = f"{rough_duration(time.time_ns() - image.created_ns)} ago" if image else "removed"
    platform = f"linux/{image.architecture}" if image else ""
    size = size_text(image.size_bytes) if image else ""
    return (record.spec.name, *_name(record), platform, _digits(record)[:12], size, created)


def _values(record: ContainerRecord, image: Image | None) -> dict[str, object]:
    repository, tag = _name(record)
    return {
        "ID": record.spec.image_id,
        "ContainerName": record.spec.name,
        "Repository": repository,
        "Tag": tag,
        "Platform": f"linux/{image.architecture}" if image else "",
        "Size": image.size_bytes if image else 0,
        "Created": timestamp(image.created_ns) if image else "",
    }
