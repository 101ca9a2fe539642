"""`windlass stop`."""

from typing import Annotated

from compose.cli.changing import change
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.deciding.plan_down import plan_stop
from compose.deciding.plan_life import of_services


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    timeout: Annotated[float | None, Option("--timeout", "-t", tells="Seconds before SIGKILL.")] = None,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show the plan; change nothing.")] = False,
) -> int:
    """Stops containers, dependants first, and keeps them."""
    names = tuple(services or ())
    return change(
        session,
        "stop",
        names,
        lambda stack, observed: plan_stop(
            stack, of_services(observed.containers, names), cause="stop", grace_seconds=timeout
        ),
        dry_run=dry_run,
    )
