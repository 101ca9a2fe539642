"""`windlass restore`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from compose.cli import failures
from compose.cli.bringing import Way, bring_up
from compose.cli.options import Argument
from compose.cli.session import Session
from compose.deciding.options import Options
from compose.deciding.translate_lives import restart_policy
from compose.doing.enabled import Enabled, recall
from compose.errors import FileError, StackError, UsageError
from engine.errors import EngineError
from engine.records import write_atomically

if TYPE_CHECKING:
    from compose.model import Stack


def command(
    session: Session,
    stacks: Annotated[list[str] | None, Argument("Only these stacks.")] = None,
) -> int:
    """Brings the enabled stacks back, as at a boot: services with a restart policy and what they depend on."""
    session.require_root()
    session.refuse_dry_run("restore")
    enabled = recall(session.layout)
    for name in stacks or ():
        if name not in enabled:
            raise UsageError(f"stack {name} is not enabled", hint="windlass enable, in its directory, enables it")
    worst = 0
    for name in stacks or enabled:
        try:
            status = restore(session, enabled[name])
        except (FileError, StackError, UsageError, EngineError) as error:
            if len(stacks or enabled) == 1:
                raise
            session.tell(f"stack {name} does not come back: {error}")
            status = failures.WRONG
        worst = max(worst, status)
    return worst


def restore(session: Session, enabled: Enabled) -> int:
    """Brings one stack back and notes its supervisor's pid for systemd; returns the exit status."""
    mine = Session(
        session.options._replace(
            files=enabled.files,
            project_name=enabled.name,
            project_directory=enabled.directory,
            env_files=enabled.env_files,
            profiles=enabled.profiles,
        ),
        environment=session.environment,
        working_directory=Path(enabled.directory),
    )
    services = coming_back(mine.stack(warn=False))
    if not services:
        session.tell(f"No service of stack {enabled.name} has a restart policy: nothing comes back.")
        return 0
    status = bring_up(mine, Way(options=Options(services=services, ignore_orphans=True), verb="restore"))
    place = mine.layout.stack(enabled.name)
    if place.directory.exists():
        with mine.connection(place) as connection:
            pid = connection.client().greeting.pid
        write_atomically(place.supervisor_pid, f"{pid}\n".encode())
    return status


def coming_back(stack: "Stack") -> tuple[str, ...]:
    """The services that a boot starts: those that a policy starts again when they end."""
    return tuple(
        service.name
        for service in stack.services.values()
        if restart_policy(service.restart, service.restart_policy).condition != "no"
    )
