"""`windlass history`."""

import sys
import time
from typing import Annotated

from compose.cli.meant import meant_image
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.showing.formats import listed, require_format
from compose.showing.history_rows import HISTORY, history_row
from engine.images.store import ImageStore
from engine.versions.history import versions


def command(
    session: Session,
    image: Annotated[
        str, Argument("An image, or a service whose container's image is meant.", metavar="IMAGE|SERVICE")
    ],
    *,
    human: Annotated[bool, Option("--human/--no-human", "-H", tells="Times and sizes in words.")] = True,
    no_trunc: Annotated[bool, Option("--no-trunc", tells="Whole commands and ids.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Ids only.")] = False,
    output: Annotated[str, Option("--format", tells="table, json (one object a line), or a template.")] = "table",
) -> None:
    """Shows what made an image, the last step first."""
    require_format(output)
    session.require_root()
    store = ImageStore(session.layout.images, session.layout.cache)
    now_ns = time.time_ns()
    rows = [
        history_row(version, now_ns=now_ns, whole=no_trunc, human=human)
        for version in versions(meant_image(session, store, image), store.layer_facts)
    ]
    text = "".join(f"{row.fields['ID']}\n" for row in rows) if quiet else listed(rows, output, HISTORY)
    sys.stdout.write(text)
