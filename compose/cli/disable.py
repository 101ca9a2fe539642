"""`windlass disable`."""

from typing import Annotated

from compose.cli import boot
from compose.cli.options import Option
from compose.cli.session import Session
from compose.doing.enabled import forget


def command(
    session: Session,
    *,
    now: Annotated[bool, Option("--now", tells="Stop it at once, too.")] = False,
) -> int:
    """Keeps the stack from coming back after a boot; what runs goes on."""
    session.require_root()
    session.refuse_dry_run("disable")
    name = session.stack_name()
    there = forget(session.layout, name)
    boot.uninstall(session, name)
    session.tell(f"Stack {name} {'does not come back' if there else 'was not to come back'} after a boot.")
    if now:
        from compose.cli.stop import command as stop  # noqa: PLC0415 - only here

        return stop(session)
    return 0
