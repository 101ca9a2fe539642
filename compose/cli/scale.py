"""`windlass scale`."""

from typing import Annotated

from compose.cli.bringing import Way, bring_up
from compose.cli.options import Argument, Option
from compose.cli.scales import scale_of
from compose.cli.session import Session
from compose.deciding.options import Options


def command(
    session: Session,
    numbers: Annotated[list[str], Argument("SERVICE=NUMBER of replicas.", metavar="SERVICE=NUMBER...")],
    *,
    no_deps: Annotated[bool, Option("--no-deps", tells="Leave out what the services depend on.")] = False,
) -> int:
    """Runs as many replicas of services as are asked for; those that exist stay as they are."""
    session.require_root()
    scale = scale_of(numbers)
    options = Options(services=tuple(scale), scale=scale, no_dependencies=no_deps, no_recreate=True)
    return bring_up(session, Way(options, verb="scale"))
