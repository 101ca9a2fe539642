"""`windlass image prune`."""

import sys
import time
from typing import Annotated

from compose.cli.imagefilters import parse_filters
from compose.cli.options import Option
from compose.cli.questions import is_sure
from compose.cli.session import Session
from compose.errors import UsageError
from compose.times import size_text
from engine.housekeeping.cleaning import prune
from engine.housekeeping.removal import familiar
from engine.images.model import Image

FILTERS = ("until", "label", "dangling")


def command(
    session: Session,
    *,
    all_images: Annotated[
        bool, Option("--all", "-a", tells="Those with a name, too, that no container needs.")
    ] = False,
    filters: Annotated[
        list[str] | None, Option("--filter", tells="until=24h, label=KEY[=VALUE], label!=KEY; may be repeated.")
    ] = None,
    force: Annotated[bool, Option("--force", "-f", tells="Do not ask.")] = False,
) -> None:
    """Removes the images that no container needs and that have lost their name."""
    session.refuse_dry_run("image prune")
    session.require_root()
    wishes = [wish for wish in filters or () if not wish.startswith("dangling=")]
    named = all_images or "dangling=false" in (filters or ())
    takes = parse_filters(wishes, FILTERS, now_ns=time.time_ns(), find=_nothing)
    what = "all images that no container needs" if named else "all images without a name that no container needs"
    if not force and not is_sure(session, f"This will remove {what}."):
        return
    removed = prune(
        session.layout,
        named=named,
        unwanted=lambda image: takes("", image),
        on_wait=lambda: session.tell_wait("other work on images"),
    )
    lines = [f"untagged: {familiar(name)}" for name in removed.doomed.names]
    lines += [f"deleted: {digest}" for digest in removed.doomed.images]
    if lines:
        sys.stdout.write("Deleted Images:\n" + "".join(f"{line}\n" for line in lines) + "\n")
    sys.stdout.write(f"Total reclaimed space: {size_text(removed.freed_bytes)}\n")


def _nothing(word: str) -> Image:
    raise UsageError(f"--filter: images are not compared with {word} here", hint="use until=")
