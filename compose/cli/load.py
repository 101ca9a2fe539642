"""`windlass load`."""

import sys
from typing import Annotated

from compose.cli.archivefiles import read
from compose.cli.options import Option
from compose.cli.session import Session
from engine.archives.loading import load
from engine.images.store import ImageStore


def command(
    session: Session,
    *,
    source: Annotated[str, Option("--input", "-i", tells="An archive to read instead of our input.")] = "",
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Say nothing of layers.")] = False,
) -> None:
    """Takes in the images of an archive: docker-archive or OCI layout, packed or not."""
    session.refuse_dry_run("load")
    session.require_root()
    store = ImageStore(session.layout.images, session.layout.cache)

    def tell(diff_id: str) -> None:
        if not quiet:
            session.tell(f"Loading layer {diff_id[7:19]}")

    with read(source, "an archive of images") as file:
        found = load(store, file, tell)
    for loaded in found:
        lines = [f"Loaded image: {name}\n" for name in loaded.names] or [f"Loaded image ID: {loaded.image.id}\n"]
        sys.stdout.writelines(lines)
