"""Puts a stack's unit where systemd finds it, or takes it away."""

import sys
from pathlib import Path

from compose.cli.session import Session
from compose.doing.units import WANTED_BY, Installation, unit_name, unit_text
from engine.errors import EngineError
from engine.programs import run

UNITS = "/etc/systemd/system"
RUNNING = Path("/run/systemd/system")
"""This directory is there if systemd is the machine's init: sd_booted(3)."""


def install(session: Session, stack: str) -> Path:
    """Writes the stack's unit and links it into the boot; gives its path."""
    installation = Installation(
        python=sys.executable,
        packages=str(Path(__file__).resolve().parents[2]),
        run=session.layout.run,
        data=session.layout.data,
    )
    path = _units(session) / unit_name(stack)
    link = path.parent / WANTED_BY / path.name
    link.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(unit_text(stack, installation, session.layout.stack(stack).supervisor_pid))
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    reload(session)
    return path


def uninstall(session: Session, stack: str) -> None:
    """Takes the stack's unit away; nothing happens when there is none."""
    path = _units(session) / unit_name(stack)
    for each in (path.parent / WANTED_BY / path.name, path):
        each.unlink(missing_ok=True)
    reload(session)


def reload(session: Session) -> None:
    """Lets systemd read its units again; a machine without it has nothing to read them."""
    if drives(session):
        systemctl("daemon-reload")


def drives(session: Session) -> bool:
    """Whether systemd runs this machine, and the units are those that it reads."""
    return RUNNING.is_dir() and str(_units(session)) == UNITS


def systemctl(*words: str) -> None:
    """Asks systemd for something; EngineError when it fails."""
    try:
        run(["systemctl", *words])
    except EngineError as error:
        raise EngineError(f"systemd does not do what it should: {error.message}", hint="see journalctl -xe") from error


def _units(session: Session) -> Path:
    return Path(session.environment.get("WINDLASS_UNITS", UNITS))
