"""`windlass rm`."""

from typing import Annotated

from compose.cli.changing import change
from compose.cli.options import Argument, Option
from compose.cli.questions import is_sure
from compose.cli.session import Session
from compose.deciding.observed import Observed
from compose.deciding.plan_life import plan_rm
from compose.deciding.steps import Plan, RemoveContainer


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    force: Annotated[bool, Option("--force", "-f", tells="Do not ask.")] = False,
    stop: Annotated[bool, Option("--stop", "-s", tells="Stop what runs first.")] = False,
    volumes: Annotated[bool, Option("--volumes", "-v", tells="Remove their anonymous volumes, too.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show the plan; change nothing.")] = False,
    every: Annotated[bool, Option("--all", "-a", hidden=True)] = False,
) -> int:
    """Removes containers that have ended."""
    del every  # as in Compose, which removes those that `run` has left in any case
    names = tuple(services or ())
    dry_run = dry_run or session.options.dry_run

    def decide(stack: str, observed: Observed) -> Plan:
        anonymous = frozenset(volume.name for volume in observed.volumes if volume.anonymous and volumes)
        found = plan_rm(stack, observed.containers, names, anonymous_volumes=anonymous, stop=stop)
        doomed = [step.action.name for step in found.steps if isinstance(step.action, RemoveContainer)]
        if doomed and not force and not dry_run and not is_sure(session, f"Going to remove {', '.join(doomed)}"):
            return Plan(stack=stack)
        return found

    return change(session, "rm", names, decide, nothing="No stopped containers", dry_run=dry_run)
