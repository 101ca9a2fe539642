"""Changes a stack whose containers exist: what the verbs that start, stop and remove them have in common."""

import sys
from collections.abc import Callable, Sequence

from compose.cli.chosen import require_known
from compose.cli.outcomes import show_failures
from compose.cli.ownership import require_own
from compose.cli.session import Session
from compose.deciding.observed import Observed
from compose.deciding.steps import Plan
from compose.doing.carrying_out import carry_out
from compose.showing.plan_text import plan_text

Decide = Callable[[str, Observed], Plan]


def change(
    session: Session,
    verb: str,
    services: Sequence[str],
    decide: Decide,
    *,
    nothing: str = "",
    timeout_seconds: float | None = None,
    dry_run: bool = False,
) -> int:
    """Observes the stack, carries out what `decide` makes of it, returns the exit status.

    `nothing` is told when there is nothing to do. UsageError for a service that neither exists nor is in the file.
    """
    session.require_root()
    name = session.stack_name()
    place = session.layout.stack(name)
    with session.lock(place, verb), session.connection(place) as connection:
        observed = connection.observe()
        require_own(session, name, observed.containers)
        require_known(session, {record.spec.service for record in observed.containers}, services)
        found = decide(name, observed)
        if dry_run or session.options.dry_run:
            sys.stdout.write(plan_text(found))
            return 0
        if not found.steps:
            if nothing:
                session.tell(nothing)
            return 0
        progress = session.progress(verb, tuple(step.action for step in found.steps))
        failed = carry_out(
            found,
            connection,
            session.layout,
            progress=progress,
            persist=True,
            timeout_seconds=timeout_seconds,
            records=observed.containers,
            parallel=session.parallel,
        )
    return show_failures(failed) if failed else 0
