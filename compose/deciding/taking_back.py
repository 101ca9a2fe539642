"""Decides what an `up` that failed takes back."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from compose.deciding.observed import Observed
from compose.deciding.plan_down import stop_containers
from compose.deciding.steps import Close, Draft, Plan, RemoveContainer, RemoveNetwork, RemoveVolume
from engine.spec import VolumeMount
from engine.state import ALIVE, ContainerRecord, has_finished

_CAUSE = "up failed"


class Extent(NamedTuple):
    """How much is taken back besides what never ran.

    `stopped` says that what this run has started stops; `removed` that what it has made goes, but for what failed.
    Services that are being `rolled` see after themselves.
    """

    stopped: bool = False
    removed: bool = False
    rolled: Collection[str] = ()


def plan_taking_back(stack: str, before: Observed, now: Observed, extent: Extent) -> Plan:
    """The steps that take back what a run has made, going by what there was `before` it.

    Containers that ran stay, with their logs, unless `extent` says more; so do those that stand in for an earlier one,
    which they remember. With the containers go the networks and volumes that the run has made for them alone.
    """
    draft = Draft()
    there = {record.spec.id: record for record in before.containers}
    mine = [record for record in now.containers if record.spec.service not in extent.rolled]
    started = [record for record in mine if not _runs(there.get(record.spec.id))]
    leaving = [
        record
        for record in made_by_run(before, mine)
        if not _stands_in(before, record) and (_never_ran(record) or (extent.removed and not has_failed(record)))
    ]
    stopping = started if extent.stopped or extent.removed else leaving
    stops = stop_containers(draft, tuple(stopping), None, _CAUSE)
    removals = []
    for record in leaving:
        stop = stops.get(record.spec.id)
        action = RemoveContainer(id=record.spec.id, name=record.spec.name)
        removals.append(draft.add(action, _CAUSE, needs=(stop,) if stop else ()))
    staying = [record for record in now.containers if record not in leaving]
    _remove_surroundings(draft, stack, before, now, staying, tuple(removals))
    return Plan(stack=stack, steps=draft.sorted())


def made_by_run(before: Observed, records: Iterable[ContainerRecord]) -> list[ContainerRecord]:
    """The containers that were not there before."""
    there = {record.spec.id for record in before.containers}
    return [record for record in records if record.spec.id not in there]


def has_failed(record: ContainerRecord) -> bool:
    """Whether a container is one to be looked at: unhealthy, or ended otherwise than its work being done."""
    state = record.state
    ended = state.status == "restarting" or (state.status == "exited" and not has_finished(record))
    return ended or state.health == "unhealthy"


def _remove_surroundings(
    draft: Draft,
    stack: str,
    before: Observed,
    now: Observed,
    staying: Iterable[ContainerRecord],
    removals: tuple[str, ...],
) -> None:
    """Adds what goes with the containers; the stack's supervisor, too, if there was no stack before."""
    staying = tuple(staying)
    used_networks = {endpoint.network for record in staying for endpoint in record.spec.endpoints}
    used_networks |= {state.spec.name for state in before.networks}
    networks = tuple(
        draft.add(RemoveNetwork(name=state.spec.name), _CAUSE, needs=removals)
        for state in now.networks
        if state.spec.name not in used_networks
    )
    if not staying and not before.containers and not before.networks:
        draft.add(Close(name=stack), _CAUSE, needs=(*removals, *networks))
    used_volumes = {
        mount.volume for record in staying for mount in record.spec.mounts if isinstance(mount, VolumeMount)
    }
    used_volumes |= {volume.name for volume in before.volumes}
    for volume in now.volumes:
        if volume.project == stack and volume.name not in used_volumes:
            draft.add(RemoveVolume(name=volume.name), _CAUSE, needs=removals)


def _runs(record: ContainerRecord | None) -> bool:
    return record is not None and record.state.status in ALIVE


def _never_ran(record: ContainerRecord) -> bool:
    """Whether a container's program was never executed; a start that failed is no run, one whose hook failed is."""
    state = record.state
    start_failed = state.status == "exited" and state.failure and not (state.stopped_by_user or state.restarts)
    return state.status == "created" or bool(start_failed)


def _stands_in(before: Observed, record: ContainerRecord) -> bool:
    """Whether an earlier container of this name was removed for this one."""
    return any(other.spec.name == record.spec.name for other in before.containers)
