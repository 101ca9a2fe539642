"""`windlass import`."""

import sys
import time
from typing import Annotated

from compose.cli.archivefiles import read
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.errors import UsageError
from engine.archives.importing import Order, import_files
from engine.images.references import parse_reference
from engine.images.store import ImageStore


def command(
    session: Session,
    source: Annotated[str, Argument("A tar archive of files, packed or not; - reads our input.", metavar="FILE|-")],
    name: Annotated[str, Argument("What the image is called.", metavar="[REPOSITORY[:TAG]]")] = "",
    *,
    change: Annotated[
        list[str] | None, Option("--change", "-c", tells="A Dockerfile's instruction about settings; may be repeated.")
    ] = None,
    message: Annotated[str, Option("--message", "-m", tells="What it is.")] = "",
    platform: Annotated[str, Option("--platform", tells="What its programs run on: linux/amd64.")] = "",
) -> None:
    """Makes an image of an archive of files, and prints its id."""
    session.refuse_dry_run("import")
    session.require_root()
    if source.startswith(("http://", "https://")):
        raise UsageError("import reads no URLs", hint=f"curl -L {source} | windlass import - {name}".rstrip())
    if name and parse_reference(name).digest:
        raise UsageError(f"{name} is no name to give: its content decides an image's digest", hint="write NAME:TAG")
    system, _, architecture = platform.partition("/")
    if platform and (system != "linux" or not architecture):
        raise UsageError(f"--platform {platform}: only images for Linux run here", hint="write linux/amd64")
    store = ImageStore(session.layout.images, session.layout.cache)
    where = "our input" if source == "-" else source
    order = Order(
        time.time_ns(), name, message or f"Imported from {where}", tuple(change or ()), architecture.partition("/")[0]
    )
    with read(source, "an archive of files") as file:
        image = import_files(store, file, order)
    sys.stdout.write(f"{image.id}\n")
