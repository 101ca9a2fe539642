"""Looks, before anything is made, whether a stack can have what it needs of the host."""

from collections.abc import Iterable, Iterator

from compose import codes
from compose.deciding.observed import Observed
from compose.deciding.steps import (
    CreateContainer,
    Plan,
    RemoveContainer,
    RetireContainer,
    StartContainer,
    StopContainer,
)
from compose.doing.bind_sources import missing_sources
from compose.errors import FileError, Problem
from compose.model import Service, Stack
from engine.layout import StackLayout
from engine.spec import ContainerSpec
from engine.state import ALIVE, ContainerRecord

Records = tuple[ContainerRecord, ...]


def require_resources(stack: Stack, services: Iterable[Service], observed: Observed) -> None:
    """Raises FileError with every source of a bind mount and every external volume that is missing."""
    services = tuple(services)
    problems = (*missing_sources(stack, services), *_missing_volumes(stack, services, observed))
    if problems:
        raise FileError(problems)


def require_ports(stack: Stack, decided: Plan, observed: Observed, place: StackLayout) -> None:
    """Raises FileError with every host port that a plan's containers could not get, and who has it."""
    problems = tuple(taken_ports(stack, decided, observed, place))
    if problems:
        raise FileError(problems)


def taken_ports(stack: Stack, decided: Plan, observed: Observed, place: StackLayout) -> Iterator[Problem]:
    """A problem for every host port that containers are to be started with, and that others have."""
    specs = {record.spec.id: record.spec for record in observed.containers}
    specs |= {
        step.action.spec.id: step.action.spec for step in decided.steps if isinstance(step.action, CreateContainer)
    }
    started = [step.action.id for step in decided.steps if isinstance(step.action, StartContainer)]
    leaving = {
        step.action.id
        for step in decided.steps
        if isinstance(step.action, StopContainer | RemoveContainer | RetireContainer)
    }
    told: set[tuple[str, int]] = set()
    for spec in (specs[id_] for id_ in started if id_ in specs):
        siblings = {record.spec.id for record in observed.containers if record.spec.service == spec.service}
        yielding = tuple(record for record in observed.containers if record.spec.id in leaving | siblings)
        for index, message, hint in _taken(spec, place, yielding):
            if (spec.service, index) not in told:
                told.add((spec.service, index))
                where = stack.place("services", spec.service, "ports", index)
                yield Problem(where, f"services.{spec.service} {message}", hint, codes.PORT_TAKEN)


def _taken(spec: ContainerSpec, place: StackLayout, yielding: Records) -> Iterator[tuple[int, str, str]]:
    """By its index, every port that others than those who make room have: with a message and a hint."""
    own = {port for record in yielding if record.state.status in ALIVE for port in record.spec.ports}
    for index, port in enumerate(spec.ports):
        if port.host_port and port not in own:
            from net.publishing import why_taken  # noqa: PLC0415 - many stacks publish nothing

            error = why_taken(port, place.networks, {record.spec.id for record in yielding})
            if error is not None:
                yield index, error.message, error.hint


def _missing_volumes(stack: Stack, services: Iterable[Service], observed: Observed) -> Iterator[Problem]:
    used = {mount.source for service in services for mount in service.mounts if mount.type == "volume"}
    there = {volume.name for volume in observed.volumes}
    for key, volume in stack.volumes.items():
        if volume.external and key in used and volume.name not in there:
            yield Problem(
                stack.place("volumes", key),
                f"external volume {volume.name} does not exist",
                "make it first, or remove 'external: true' so that the stack makes it",
                codes.UNDEFINED,
            )
