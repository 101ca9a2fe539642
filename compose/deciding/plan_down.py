"""What has to be done so that a stack, or some of its services, is gone."""

from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from compose import naming
from compose.deciding.observed import Observed
from compose.deciding.steps import (
    Close,
    Draft,
    Plan,
    RemoveContainer,
    RemoveImage,
    RemoveNetwork,
    RemoveVolume,
    StopContainer,
)
from engine.spec import VolumeMount
from engine.state import ALIVE, ContainerRecord


class DownOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for. `services` empty means the whole stack; `images` are names to remove."""

    services: tuple[str, ...] = ()
    volumes: bool = False
    images: tuple[str, ...] = ()
    grace_seconds: float | None = None
    known_services: tuple[str, ...] | None = None
    remove_orphans: bool = False


def plan_down(stack: str, observed: Observed, options: DownOptions, *, exists: bool) -> Plan:
    """The steps that take it away, dependants first. `exists` says whether the stack has anything at run time.

    `options.known_services` are those that the file speaks of (None without a file: all that there are).
    """
    draft = Draft()
    chosen = [
        record for record in observed.containers if not options.services or record.spec.service in options.services
    ]
    orphans = [record for record in chosen if _is_orphan(record, options)]
    removals = _remove_containers(draft, [record for record in chosen if record not in orphans], options.grace_seconds)
    if not options.services and not orphans:
        _remove_stack(draft, stack, observed, options, removals=removals, exists=exists)
    names = ", ".join(record.spec.name for record in orphans)
    warning = f"orphan containers ({names}) stay, and the stack's networks with them; --remove-orphans removes them"
    return Plan(stack=stack, steps=draft.sorted(), warnings=(warning,) if orphans else ())


def _is_orphan(record: ContainerRecord, options: DownOptions) -> bool:
    known = options.known_services
    return known is not None and not options.remove_orphans and record.spec.service not in known


def _remove_stack(
    draft: Draft, stack: str, observed: Observed, options: DownOptions, *, removals: Mapping[str, str], exists: bool
) -> None:
    """Adds what goes when no container is left: networks, the stack's run directory, volumes and images if asked."""
    networks = tuple(
        draft.add(RemoveNetwork(name=name), "down", needs=_of(removals, observed, partial(_is_on, name)))
        for name in (state.spec.name for state in observed.networks)
    )
    if exists:
        draft.add(Close(name=stack), "down", needs=(*removals.values(), *networks))
    for volume in observed.volumes:
        if options.volumes and volume.project == stack:
            needs = _of(removals, observed, partial(_mounts, volume.name))
            draft.add(RemoveVolume(name=volume.name), "--volumes", needs=needs)
    for image in options.images:
        draft.add(RemoveImage(name=image), "--rmi", needs=tuple(removals.values()))


def _of(removals: Mapping[str, str], observed: Observed, uses: Callable[[ContainerRecord], bool]) -> tuple[str, ...]:
    """The keys of the removals of those containers that use something: one that cannot go keeps only its own."""
    return tuple(removals[record.spec.id] for record in observed.containers if uses(record))


def _is_on(network: str, record: ContainerRecord) -> bool:
    return any(endpoint.network == network for endpoint in record.spec.endpoints)


def _mounts(volume: str, record: ContainerRecord) -> bool:
    return any(isinstance(mount, VolumeMount) and mount.volume == volume for mount in record.spec.mounts)


def plan_stop(
    stack: str, records: tuple[ContainerRecord, ...], *, cause: str = "interrupted", grace_seconds: float | None = None
) -> Plan:
    """The steps that stop those that run, dependants first, and keep the containers."""
    draft = Draft()
    stop_containers(draft, records, grace_seconds, cause)
    return Plan(stack=stack, steps=draft.sorted())


def _remove_containers(draft: Draft, records: list[ContainerRecord], grace_seconds: float | None) -> Mapping[str, str]:
    stops = stop_containers(draft, tuple(records), grace_seconds, "down", leave=True)
    keys = {}
    for record in records:
        action = RemoveContainer(id=record.spec.id, name=record.spec.name)
        stop = stops.get(record.spec.id)
        keys[record.spec.id] = draft.add(action, "down", needs=(stop,) if stop else ())
    return keys


def stop_containers(
    draft: Draft, records: tuple[ContainerRecord, ...], grace_seconds: float | None, cause: str, *, leave: bool = False
) -> Mapping[str, str]:
    """Adds stops for what runs; a container stops after those of the services that depend on its own.

    `leave` says that they are to be removed afterwards. Returns the steps' keys by container id.
    """
    running = [record for record in records if record.state.status in ALIVE]
    stops: dict[str, str] = {}
    names_by_service: dict[str, list[str]] = {}
    for record in reversed(running):
        action = StopContainer(id=record.spec.id, name=record.spec.name, grace_seconds=grace_seconds, leaves=leave)
        stops[record.spec.id] = draft.add(action, cause)
        names_by_service.setdefault(record.spec.service, []).append(stops[record.spec.id])
    for record in running:
        for service in dependencies_of(record):
            for stop in names_by_service.get(service, ()):
                draft.order(stops[record.spec.id], stop)
    return stops


def dependencies_of(record: ContainerRecord) -> tuple[str, ...]:
    """The services that a container's own depends on, as its label says."""
    return tuple(service for service, _, _ in conditions_of(record))


def conditions_of(record: ContainerRecord) -> tuple[tuple[str, str, bool], ...]:
    """What a container's service depends on: (service, condition, restarted with it or not), as its label says."""
    label = record.spec.labels.get(naming.DEPENDS_ON, "")
    entries = ([*entry.split(":"), "", ""][:3] for entry in label.split(",") if entry)
    return tuple((service, condition, restart == "true") for service, condition, restart in entries)
