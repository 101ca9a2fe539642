"""`windlass kill`."""

from typing import Annotated

from compose.cli.changing import change
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.deciding.plan_life import plan_kill
from compose.errors import UsageError
from engine.signals import signal_number


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    signal: Annotated[str, Option("--signal", "-s", tells="The signal's name or number.")] = "SIGKILL",
    remove_orphans: Annotated[
        bool, Option("--remove-orphans", tells="Those that the file lacks, too: they always get it.")
    ] = False,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show the plan; change nothing.")] = False,
) -> int:
    """Sends running containers a signal."""
    del remove_orphans
    try:
        signal_number(signal)
    except ValueError as error:
        raise UsageError(
            f"--signal {signal}: {error}", hint="use a name such as SIGHUP; `kill -l` lists them"
        ) from None
    names = tuple(services or ())
    return change(
        session,
        "kill",
        names,
        lambda stack, observed: plan_kill(stack, observed.containers, names, signal=signal),
        nothing="No container to kill",
        dry_run=dry_run,
    )
