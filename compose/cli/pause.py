"""`windlass pause`."""

from typing import Annotated

from compose.cli.changing import change
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.deciding.plan_life import plan_pause


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show the plan; change nothing.")] = False,
) -> int:
    """Makes running containers stand still."""
    names = tuple(services or ())
    return change(
        session,
        "pause",
        names,
        lambda stack, observed: plan_pause(stack, observed.containers, names),
        dry_run=dry_run,
    )
