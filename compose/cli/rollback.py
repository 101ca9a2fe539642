"""`windlass rollback`."""

from typing import Annotated

from compose.cli.changing import change
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.deciding.rollbacks import Policies, plan_rollback
from compose.doing.up import new_id
from compose.errors import FileError


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show the plan; change nothing.")] = False,
) -> int:
    """Takes services back to what they were before their last change; once more, forward again."""
    names = tuple(services or ())
    policies = _policies(session)
    return change(
        session,
        "rollback",
        names,
        lambda stack, observed: plan_rollback(stack, observed.containers, names, policies, new_id),
        nothing="Nothing to go back to: no container remembers another version.",
        dry_run=dry_run,
    )


def _policies(session: Session) -> Policies:
    """How services go back, as far as the file can be read: going back must work without it."""
    from compose.cli.aftermath import policies_of  # noqa: PLC0415 - loads what carries plans out

    try:
        return policies_of(session.stack(warn=False))
    except FileError:
        return {}
