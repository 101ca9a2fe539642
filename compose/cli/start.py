"""`windlass start`."""

from typing import Annotated

from compose.cli.changing import change
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.deciding.observed import Observed
from compose.deciding.plan_life import of_services, plan_start
from compose.deciding.steps import Plan
from compose.errors import UsageError


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    wait: Annotated[bool, Option("--wait", tells="Wait until all is running or healthy.")] = False,
    wait_timeout: Annotated[float | None, Option(tells="Most seconds to wait with --wait.")] = None,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show the plan; change nothing.")] = False,
) -> int:
    """Starts containers that exist, with what they depend on, and leaves them running."""
    names = tuple(services or ())

    def decide(stack: str, observed: Observed) -> Plan:
        for name in names:
            if not of_services(observed.containers, (name,)):
                raise UsageError(f"service {name} has no container to start", hint=f"windlass up {name} makes one")
        return plan_start(stack, observed.containers, names, wait=wait)

    return change(session, "start", names, decide, timeout_seconds=wait_timeout, dry_run=dry_run)
