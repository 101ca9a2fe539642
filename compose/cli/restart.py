"""`windlass restart`."""

from typing import Annotated

from compose.cli.changing import change
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.deciding.plan_life import plan_restart


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    timeout: Annotated[float | None, Option("--timeout", "-t", tells="Seconds before SIGKILL.")] = None,
    no_deps: Annotated[bool, Option("--no-deps", tells="Leave out what wants to be restarted with them.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show the plan; change nothing.")] = False,
) -> int:
    """Stops containers and starts them again, as they are."""
    names = tuple(services or ())
    return change(
        session,
        "restart",
        names,
        lambda stack, observed: plan_restart(
            stack, observed.containers, names, no_dependants=no_deps, grace_seconds=timeout
        ),
        dry_run=dry_run,
    )
