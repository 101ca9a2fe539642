"""Reads the plan that `up --plan` is to carry out."""

from pathlib import Path

from compose.cli.session import Session
from compose.deciding.options import Options
from compose.errors import UsageError
from compose.showing.plan_files import PlanFile, read_plan


def planned(session: Session, path: str, options: Options, *, build: bool) -> PlanFile:
    """The plan in a file; UsageError when other options ask for something else besides."""
    neutral = Options(
        adopt=session.options.adopt,
        all_resources=session.options.all_resources,
        remove_orphans=session.is_set("COMPOSE_REMOVE_ORPHANS"),
        ignore_orphans=session.is_set("COMPOSE_IGNORE_ORPHANS"),
        wait=options.wait,
        grace_seconds=options.grace_seconds,
    )
    if build or options != neutral:
        raise UsageError(
            "--plan says what is to be done: no services and no options that would change it go with it",
            hint="give them to windlass plan --out FILE",
        )
    return read_plan(Path(path))
