"""The containers of the services that were named."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from compose.cli.session import Session
from compose.errors import FileError, UsageError
from engine.state import ContainerRecord

if TYPE_CHECKING:
    from compose.model import Stack


def choose(session: Session, records: Iterable[ContainerRecord], services: Collection[str]) -> list[ContainerRecord]:
    """The records of these services, or all. UsageError for a service that neither a container nor the file knows."""
    records = tuple(records)
    require_known(session, {record.spec.service for record in records}, services)
    return [record for record in records if not services or record.spec.service in services]


def require_known(session: Session, known: Collection[str], services: Iterable[str]) -> None:
    """Refuses names that neither a container (`known`) nor the file has as a service."""
    missing = [name for name in services if name not in known]
    if missing:
        stack = _file_of(session, known)
        everyone = _everyone(known, stack)
        for name in missing:
            if name not in everyone:
                raise _unknown(name, everyone)


def absent(session: Session, name: str, known: Collection[str]) -> UsageError:
    """Why a service has no container: nobody has started it, its profile is not active, or there is none."""
    stack = _file_of(session, known)
    if stack and name in stack.disabled:
        profiles = stack.disabled[name].profiles
        message = f"service {name} is not running: no active profile enables it ({', '.join(profiles)})"
        return UsageError(message, hint=f"windlass --profile {profiles[0]} up -d {name} starts it")
    if stack and name in stack.services:
        return UsageError(f"service {name} is not running", hint=f"windlass up -d {name} starts it")
    return _unknown(name, _everyone(known, stack))


def _unknown(name: str, known: Collection[str]) -> UsageError:
    from compose.spelling import did_you_mean  # noqa: PLC0415 - only for mistakes

    hint = did_you_mean(name, known) or f"the services are: {', '.join(sorted(known)) or 'none'}"
    return UsageError(f"no such service: {name}", hint=hint)


def _everyone(known: Collection[str], stack: "Stack | None") -> frozenset[str]:
    return frozenset((*known, *stack.services, *stack.disabled)) if stack else frozenset(known)


def _file_of(session: Session, known: Collection[str]) -> "Stack | None":
    """What the file says; None when it cannot be read, which is only told when nothing else is known."""
    try:
        return session.stack()
    except FileError:
        if not known:
            raise
        return None
