"""`windlass tag`."""

from typing import Annotated

from compose.cli.options import Argument
from compose.cli.session import Session
from compose.errors import UsageError
from engine.housekeeping.cleaning import unknown
from engine.images.references import parse_reference
from engine.images.store import ImageStore


def command(
    session: Session,
    source: Annotated[str, Argument("An image's name or id.")],
    target: Annotated[str, Argument("The name that it gets, too.", metavar="NAME[:TAG]")],
) -> None:
    """Gives an image one more name; an image that had it before loses it."""
    session.refuse_dry_run("tag")
    session.require_root()
    if parse_reference(target).digest:
        raise UsageError(f"{target} is no name to give: its content decides an image's digest", hint="write NAME:TAG")
    store = ImageStore(session.layout.images, session.layout.cache)
    with store.in_use():
        image = store.find(source)
        if image is None:
            raise unknown(store, source)
        store.tag(target, image)
