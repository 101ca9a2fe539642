"""What has to be done so that containers which exist start, stop, stand still, go on or go."""

from collections.abc import Callable, Iterable

from compose.deciding.orphans import is_one_off
from compose.deciding.plan_down import conditions_of, dependencies_of, stop_containers
from compose.deciding.pre_starts import PreStarts
from compose.deciding.steps import (
    Action,
    Await,
    AwaitCondition,
    Draft,
    KillContainer,
    PauseContainer,
    Plan,
    RemoveContainer,
    RemoveVolume,
    StartContainer,
    UnpauseContainer,
)
from engine.spec import VolumeMount
from engine.state import ALIVE, ContainerRecord, lives

Records = tuple[ContainerRecord, ...]
_AWAITED: dict[str, AwaitCondition] = {"service_healthy": "healthy", "service_completed_successfully": "completed"}


def of_services(records: Records, services: tuple[str, ...]) -> Records:
    """The containers of some services (all if none are named), without one-off ones."""
    return tuple(
        record for record in records if (not services or record.spec.service in services) and not is_one_off(record)
    )


def with_dependencies(records: Records, services: tuple[str, ...]) -> tuple[str, ...]:
    """The named services with all that they depend on; none when none are named."""
    found: dict[str, None] = {}
    pending = list(services)
    while pending:
        service = pending.pop()
        if service not in found:
            found[service] = None
            pending.extend(
                name for record in records if record.spec.service == service for name in dependencies_of(record)
            )
    return tuple(found)


def plan_start(stack: str, records: Records, services: tuple[str, ...], *, wait: bool = False) -> Plan:
    """Starts what does not run, dependencies first, as their conditions ask."""
    chosen = of_services(records, with_dependencies(records, services))
    draft = Draft()
    hooks = _Hooks(draft, records)
    for record in chosen:
        if not lives(record.state):
            _start(draft, record, chosen, "start", hooks)
    hooks.clear()
    if wait:
        for record in chosen:
            if record.spec.health and record.state.health != "healthy":
                _await(draft, record, "healthy", "--wait")
            elif not record.spec.health and record.state.status not in ALIVE:
                _await(draft, record, "running", "--wait")
    unchanged = tuple(record.spec.name for record in chosen if lives(record.state))
    return Plan(stack=stack, steps=draft.sorted(), unchanged=unchanged)


def plan_restart(
    stack: str,
    records: Records,
    services: tuple[str, ...],
    *,
    no_dependants: bool = False,
    grace_seconds: float | None = None,
) -> Plan:
    """Stops containers and starts them again; so it does with what depends on them by `restart: true`."""
    chosen = of_services(records, services)
    if services and not no_dependants:
        chosen = of_services(records, with_restarted_dependants(records, services))
    draft = Draft()
    stops = stop_containers(draft, chosen, grace_seconds, "restart")
    hooks = _Hooks(draft, records)
    for record in chosen:
        stop = stops.get(record.spec.id)
        _start(draft, record, chosen, "restart", hooks, needs=(stop,) if stop else ())
    hooks.clear()
    return Plan(stack=stack, steps=draft.sorted())


def with_restarted_dependants(records: Records, services: tuple[str, ...]) -> tuple[str, ...]:
    """The named services with those that want to be restarted when they are."""
    found = dict.fromkeys(services)
    grown = True
    while grown:
        dependants = {
            record.spec.service
            for record in records
            for service, _, restart in conditions_of(record)
            if restart and service in found
        }
        grown = not dependants <= found.keys()
        found.update(dict.fromkeys(sorted(dependants)))
    return tuple(found)


def plan_kill(stack: str, records: Records, services: tuple[str, ...], *, signal: str) -> Plan:
    """Sends a signal to what runs."""
    return _each(
        stack,
        (record for record in of_services(records, services) if record.state.status == "running"),
        lambda record: KillContainer(id=record.spec.id, name=record.spec.name, signal=signal),
        f"kill -s {signal}",
    )


def plan_pause(stack: str, records: Records, services: tuple[str, ...]) -> Plan:
    """Makes what runs stand still."""
    return _each(
        stack,
        (
            record
            for record in of_services(records, services)
            if record.state.status == "running" and not record.state.paused
        ),
        lambda record: PauseContainer(id=record.spec.id, name=record.spec.name),
        "pause",
    )


def plan_unpause(stack: str, records: Records, services: tuple[str, ...]) -> Plan:
    """Lets what stands still go on."""
    return _each(
        stack,
        (record for record in of_services(records, services) if record.state.paused),
        lambda record: UnpauseContainer(id=record.spec.id, name=record.spec.name),
        "unpause",
    )


def plan_rm(
    stack: str,
    records: Records,
    services: tuple[str, ...],
    *,
    anonymous_volumes: frozenset[str] = frozenset(),
    stop: bool = False,
) -> Plan:
    """Removes containers that have ended, one-off ones too; with `stop` those that run as well.

    `anonymous_volumes` are those that may go with the containers that mount them.
    """
    draft = Draft()
    chosen = tuple(record for record in records if not services or record.spec.service in services)
    stops = stop_containers(draft, chosen, None, "rm --stop", leave=True) if stop else {}
    for record in chosen:
        if record.state.status in ALIVE and record.spec.id not in stops:
            continue
        needs = (stops[record.spec.id],) if record.spec.id in stops else ()
        removal = draft.add(RemoveContainer(id=record.spec.id, name=record.spec.name), "rm", needs=needs)
        for mount in record.spec.mounts:
            if isinstance(mount, VolumeMount) and mount.volume in anonymous_volumes:
                draft.add(RemoveVolume(name=mount.volume), "rm --volumes", needs=(removal,))
    return Plan(stack=stack, steps=draft.sorted())


def _each(
    stack: str, records: Iterable[ContainerRecord], action: Callable[[ContainerRecord], Action], cause: str
) -> Plan:
    draft = Draft()
    for record in records:
        draft.add(action(record), cause)
    return Plan(stack=stack, steps=draft.sorted())


class _Hooks:
    """The pre_start hooks of containers that were made and never started: their first start is to come."""

    def __init__(self, draft: Draft, records: Records) -> None:
        self._draft = draft
        self._records = records
        self._by_service: dict[str, PreStarts] = {}

    def before(self, record: ContainerRecord, needs: tuple[str, ...]) -> tuple[str, ...]:
        """Adds those of a container; gives the keys that its start needs."""
        service = record.spec.service
        if service not in self._by_service:
            mine = [each for each in self._records if each.spec.service == service]
            specs = [each.spec for each in mine if not is_one_off(each)]
            self._by_service[service] = PreStarts(self._draft, specs, mine, ())
        return self._by_service[service].before(record.spec, needs)

    def clear(self) -> None:
        """Removes what is left of hooks of earlier starts."""
        for hooks in self._by_service.values():
            hooks.clear()


def _start(
    draft: Draft,
    record: ContainerRecord,
    chosen: Records,
    cause: str,
    hooks: _Hooks,
    *,
    needs: tuple[str, ...] = (),
) -> None:
    gates = list(needs)
    for service, condition, _ in conditions_of(record):
        for other in chosen:
            if other.spec.service != service:
                continue
            awaited = _AWAITED.get(condition)
            if awaited:
                gates.append(
                    _await(draft, other, awaited, f"{service} must be {awaited}", "dependency failed to start")
                )
            else:
                gates.append(f"start container {other.spec.name}")
    needs = hooks.before(record, tuple(gates))
    draft.add(StartContainer(id=record.spec.id, name=record.spec.name), cause, needs=needs)


def _await(draft: Draft, record: ContainerRecord, condition: AwaitCondition, cause: str, otherwise: str = "") -> str:
    action = Await(id=record.spec.id, name=record.spec.name, condition=condition, otherwise=otherwise)
    return draft.add(action, cause, needs=(f"start container {record.spec.name}",))
