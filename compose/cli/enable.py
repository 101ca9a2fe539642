"""`windlass enable`."""

from pathlib import Path
from typing import Annotated

from compose.cli import boot
from compose.cli.options import Option
from compose.cli.restore import coming_back, restore
from compose.cli.session import Session
from compose.doing.enabled import Enabled, remember
from compose.errors import UsageError
from engine.records import read_records


def command(
    session: Session,
    *,
    now: Annotated[bool, Option("--now", tells="Bring it up at once, too.")] = False,
) -> int:
    """Lets the stack's services that have a restart policy come back after a boot, by a unit of systemd."""
    session.require_root()
    session.refuse_dry_run("enable")
    stack = session.startable_stack()
    if not coming_back(stack):
        raise UsageError(
            f"no service of stack {stack.name} has a restart policy: nothing would come back",
            hint="give those that should a line `restart: unless-stopped`",
        )
    options = session.options
    enabled = Enabled(
        name=stack.name,
        directory=stack.directory,
        files=stack.files,
        env_files=tuple(str(Path(name).absolute()) for name in options.env_files),
        profiles=options.profiles or tuple(filter(None, session.environment.get("COMPOSE_PROFILES", "").split(","))),
    )
    remember(session.layout, enabled)
    path = boot.install(session, stack.name)
    session.tell(f"Stack {stack.name} comes back after a boot ({path}); variables come from its .env files alone then.")
    if boot.drives(session) and (now or read_records(session.layout.stack(stack.name))):
        boot.systemctl("start", path.name)  # what runs stays; from now on systemd looks after its supervisor
    elif now:
        return restore(session, enabled)
    return 0
