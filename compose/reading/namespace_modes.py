"""Settles whose processes and shared memory a service shares."""

from collections.abc import Iterator

from msgspec import structs

from compose import codes
from compose.errors import Problem
from compose.model import Dependency, Service, Stack
from compose.reading.network_modes import container_names
from compose.spelling import did_you_mean

_KEYS = ("pid", "ipc")
_SHARED = ("service:", "container:")


def with_partners(stack: Stack) -> Stack:
    """The stack where whoever shares a namespace of a container that is named depends on its service."""
    if not any(_named(service) for service in stack.services.values()):
        return stack
    known = container_names(stack)
    services = {}
    for name, service in stack.services.items():
        owners = dict.fromkeys(known[mode] for mode in _named(service) if mode in known)
        missing = [owner for owner in owners if owner not in {name, *(each.service for each in service.depends_on)}]
        more = tuple(Dependency(service=owner, restart=True) for owner in missing)
        services[name] = structs.replace(service, depends_on=(*service.depends_on, *more)) if more else service
    return structs.replace(stack, services=services)


def check_namespaces(stack: Stack) -> Iterator[Problem]:
    """What cannot be, given whose namespaces services share."""
    for service in stack.services.values():
        for key in _KEYS:
            mode: str = getattr(service, key)
            if mode.startswith(_SHARED):
                yield from _check(stack, service, key, mode)
        if service.uts == "host" and service.hostname:
            place = stack.place("services", service.name, "hostname")
            message = f"services.{service.name} has a hostname, but the host's names (uts: host)"
            yield Problem(place, message, "keep one of the two", codes.CONTRADICTION)


def _named(service: Service) -> list[str]:
    """The containers that a service names."""
    modes: tuple[str, ...] = tuple(getattr(service, key) for key in _KEYS)
    return [mode.removeprefix("container:") for mode in modes if mode.startswith("container:")]


def _check(stack: Stack, service: Service, key: str, mode: str) -> Iterator[Problem]:
    place = stack.place("services", service.name, key)
    said = f"services.{service.name}.{key}"
    known = container_names(stack)
    kind, _, name = mode.partition(":")
    owner = name if kind == "service" else known.get(name, "")
    if not owner:
        hint = did_you_mean(name, known) or "share one of this stack's: `service:NAME`"
        message = f"{said}: sharing with a container of another stack is not supported yet"
        yield Problem(place, message, hint, codes.NOT_YET)
    elif owner == service.name:
        yield Problem(place, f"{said} is its own", "name another service", codes.CONTRADICTION)
    elif key == "ipc" and owner in stack.services and stack.services[owner].ipc in ("private", "none"):
        message = f"{said}: services.{owner} keeps its shared memory to itself (ipc: {stack.services[owner].ipc})"
        yield Problem(place, message, f"give {owner} `ipc: shareable`", codes.CONTRADICTION)
