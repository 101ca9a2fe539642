"""`windlass watch`."""

from typing import Annotated

from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.cli.vigil import Vigil, keep_watch


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services and what they need.")] = None,
    *,
    no_up: Annotated[bool, Option("--no-up", tells="Start nothing first.")] = False,
    prune: Annotated[bool, Option("--prune", tells="Remove images that a rebuild replaced: the default.")] = True,
    quiet: Annotated[bool, Option("--quiet", tells="Say nothing while images are built.")] = False,
) -> int:
    """Builds and starts services, then does what develop.watch says whenever files change, until Ctrl-C."""
    session.refuse_dry_run("watch")
    session.require_root()
    return keep_watch(session, Vigil(tuple(services or ()), prune=prune, quiet=quiet), start=not no_up)
