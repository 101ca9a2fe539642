"""The containers of the services that were named."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from compose.cli.session import Session
from compose.doing.observe import containers
from compose.errors import FileError, UsageError
from engine.layout import StackLayout
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


def choose_running(session: Session, place: StackLayout, service: str, index: int = 0) -> ContainerRecord:
    """The running container that is meant: the first replica, unless `index` says otherwise. Raises UsageError."""
    found = containers_of(session, place, service, index)[0]
    if found.state.status != "running":
        which = f"replica {index} of service {service}" if index else f"service {service}"
        raise UsageError(f"{which} is not running", hint="windlass ps -a tells why; windlass up starts it")
    if found.state.paused:
        raise UsageError(f"{found.spec.name} is paused", hint=f"windlass unpause {service} lets it go on")
    return found


def containers_of(
    session: Session, place: StackLayout, service: str, index: int = 0, *, one_offs: bool = False
) -> list[ContainerRecord]:
    """A service's containers by their numbers, those that run first; those made by `run` only if there are no others.

    With `one_offs` these count like all. With an `index`, there is only the one of that number. UsageError when there
    is none.
    """
    records = containers(place)
    found = [record for record in records if record.spec.service == service]
    if not found:
        raise absent(session, service, {record.spec.service for record in records})
    if not one_offs:
        found = [record for record in found if not record.spec.one_off] or found
    chosen = [record for record in found if not index or record.spec.number == index]
    if not chosen:
        raise UsageError(f"service {service} has no replica {index}", hint="windlass ps -a lists them")
    return sorted(chosen, key=lambda record: (record.state.status != "running", record.spec.number))


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
