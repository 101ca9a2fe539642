"""`windlass unpause`."""

from typing import Annotated

from compose.cli.changing import change
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.deciding.plan_life import plan_unpause


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show the plan; change nothing.")] = False,
) -> int:
    """Lets paused containers go on."""
    names = tuple(services or ())
    return change(
        session,
        "unpause",
        names,
        lambda stack, observed: plan_unpause(stack, observed.containers, names),
        dry_run=dry_run,
    )
