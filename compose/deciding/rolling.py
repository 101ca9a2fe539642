"""Decides how a service's replicas are replaced one after the other, while the others go on serving."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec.structs

from compose import naming
from compose.deciding.steps import (
    Action,
    AdmitContainer,
    CreateContainer,
    Draft,
    RemoveContainer,
    RenameContainer,
    Rest,
    RetireContainer,
    Roll,
    StartContainer,
    StopContainer,
    WatchContainer,
)
from compose.model import UpdatePolicy
from engine.spec import ContainerSpec
from engine.state import ALIVE, ContainerRecord


class Place(NamedTuple):
    """One replica's place: what shall be there, what of it exists, and what has to go for it.

    `new` was made for it by an update that was cut off, or stands there already without being led to.
    """

    spec: ContainerSpec
    new: ContainerRecord | None
    old: tuple[ContainerRecord, ...]
    cause: str


class Needs(NamedTuple):
    """What a new container waits for: the keys of steps before its making, and (hard, soft) before its start."""

    creation: Callable[[ContainerSpec], tuple[str, ...]]
    start: Callable[[ContainerSpec], tuple[tuple[str, ...], tuple[str, ...]]]


NO_NEEDS = Needs(lambda _spec: (), lambda _spec: ((), ()))


class Rolled(NamedTuple):
    """The keys of the steps by which new containers are led to (by their names to be), and of the last steps."""

    admissions: dict[str, str]
    ends: tuple[str, ...]
    roll: Roll


def place_of(
    spec: ContainerSpec, records: Iterable[ContainerRecord], why_replace: Callable[[ContainerRecord], str]
) -> Place:
    """What to do about a replica's place, given all containers of its number."""
    records = tuple(records)
    causes = {record.spec.id: why_replace(record) for record in records}
    fit = [record for record in records if not causes[record.spec.id] and _may_serve(record)]
    fit.sort(key=lambda record: (record.state.aside, record.spec.name != spec.name, record.spec.id))
    kept = fit[0] if fit else None
    old = tuple(record for record in records if record is not kept)
    reasons = [causes[record.spec.id] for record in old if causes[record.spec.id]]
    cause = reasons[0] if reasons else "an update was cut off" if records else "one more replica"
    return Place(spec, kept, old, cause)


def is_settled(place: Place) -> bool:
    """Whether a place is as an ordinary container's: nothing to replace, nothing left of an update."""
    kept = place.new
    return kept is not None and not place.old and not kept.state.aside and kept.spec.name == place.spec.name


def roll(
    draft: Draft,
    service: str,
    policy: UpdatePolicy,
    places: tuple[Place, ...],
    *,
    needs: Needs = NO_NEEDS,
    grace_seconds: float | None = None,
) -> Rolled:
    """Adds the steps that bring the places of a service to what they shall be, batch by batch.

    A new container stands aside until it is ready. With start-first the old one retires then, has those who are
    connected to it finish, and goes; with stop-first it retires and goes before.
    """
    size = policy.parallelism or len(places)
    batches = [places[start : start + size] for start in range(0, len(places), size)]
    admissions: dict[str, str] = {}
    before: tuple[str, ...] = ()
    for number, batch in enumerate(batches):
        ends = []
        for place in batch:
            chain = _Chain(draft, service, policy, place, before, needs, grace_seconds)
            admission, end = chain.add()
            if admission:
                admissions[place.spec.name] = admission
            ends.append(end)
        before = tuple(ends)
        if policy.delay_seconds and number + 1 < len(batches):
            rest = Rest(name=service, seconds=policy.delay_seconds, turn=number + 1)
            before = (draft.add(rest, f"{policy.delay_seconds:g}s between updates", after=before, roll=service),)
    tolerated = len(places) if policy.failure_action == "continue" else int(policy.max_failure_ratio * len(places))
    return Rolled(admissions, before, Roll(service=service, failure_action=policy.failure_action, tolerated=tolerated))


def successor(spec: ContainerSpec, before: ContainerSpec | None) -> ContainerSpec:
    """A new container's specification that remembers the version before it: what it takes the place of, if other.

    A label names what it takes the place of.
    """
    if before is None:
        return spec
    previous = before.previous if _is_same(spec, before) else msgspec.structs.replace(before, previous=None)
    labels = {**spec.labels, naming.REPLACE: naming.short_name(spec.stack, spec.name)}
    return msgspec.structs.replace(spec, previous=previous, labels=labels)


class _Chain:
    """The steps for one place."""

    def __init__(
        self,
        draft: Draft,
        service: str,
        policy: UpdatePolicy,
        place: Place,
        before: tuple[str, ...],
        needs: Needs,
        grace_seconds: float | None,
    ) -> None:
        self._draft = draft
        self._service = service
        self._policy = policy
        self._place = place
        self._before = before
        self._needs = needs
        self._grace_seconds = grace_seconds

    def add(self) -> tuple[str, str]:
        """Adds them; gives the keys of the admission (empty: it is led to already) and of the last one."""
        place = self._place
        if self._policy.order == "stop-first" and place.new is None:
            admitted, needs = self._bring_in(place.spec.name, self._clear(()))
            return admitted, needs[-1]
        name = place.new.spec.name if place.new else self._temporary_name()
        admitted, needs = self._bring_in(name, ())
        needs = self._clear(needs) or needs
        if name != place.spec.name:
            id_ = place.new.spec.id if place.new else place.spec.id
            needs = (self._add(RenameContainer(id=id_, name=name, new_name=place.spec.name), needs=needs),)
        return admitted, needs[-1]

    def _temporary_name(self) -> str:
        """The name until the old container's is free; one that takes nobody's place has its own at once."""
        spec = self._place.spec
        taken = any(record.spec.name == spec.name for record in self._place.old)
        return f"{spec.id[:12]}_{spec.name}" if taken else spec.name

    def _bring_in(self, name: str, gone: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """Makes the new container as far as it is not there, starts it aside, lets it in, and watches it.

        Gives the keys of its admission and of the last step, if there are any.
        """
        record, spec = self._place.new, self._place.spec
        needs = gone
        if record is None:
            made = msgspec.structs.replace(successor(spec, self._replaced()), name=name)
            needs = (self._add(CreateContainer(spec=made), needs=(*gone, *self._needs.creation(spec))),)
        id_ = record.spec.id if record else spec.id
        if record is None or record.state.status not in ALIVE:
            hard, soft = self._needs.start(spec)
            start = StartContainer(id=id_, name=name, aside=True)
            needs = (self._add(start, needs=(*needs, *hard), after=soft),)
        if record is not None and record.state.status == "running" and not record.state.aside:
            return "", needs
        admitted = self._add(AdmitContainer(id=id_, name=name), needs=needs)
        if not self._policy.monitor_seconds:
            return admitted, (admitted,)
        watch = WatchContainer(id=id_, name=name, seconds=self._policy.monitor_seconds)
        return admitted, (self._add(watch, needs=(admitted,)),)

    def _replaced(self) -> ContainerSpec | None:
        """What the new container takes the place of, another version rather than the same."""
        specs = [record.spec for record in self._place.old]
        specs.sort(key=lambda spec: _is_same(spec, self._place.spec))
        return specs[0] if specs else None

    def _clear(self, needs: tuple[str, ...]) -> tuple[str, ...]:
        """Has what is in the place retire and go; gives the keys of the removals."""
        removals = []
        for record in self._place.old:
            id_, name = record.spec.id, record.spec.name
            last = needs
            if record.state.status == "running":
                last = (self._add(RetireContainer(id=id_, name=name), needs=last),)
            if record.state.status in ALIVE:
                stop = StopContainer(id=id_, name=name, grace_seconds=self._grace_seconds)
                last = (self._add(stop, needs=last),)
            removals.append(self._add(RemoveContainer(id=id_, name=name), needs=last))
        return tuple(removals)

    def _add(self, action: Action, *, needs: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> str:
        return self._draft.add(
            action, self._place.cause, needs=needs, after=(*self._before, *after), roll=self._service
        )


def _may_serve(record: ContainerRecord) -> bool:
    """Whether a container that fits may get or keep its place: one that failed to is made anew."""
    state = record.state
    if not state.aside:
        return True
    return state.status in ("created", "running") and state.health != "unhealthy" and not state.failure


def _is_same(one: ContainerSpec, other: ContainerSpec) -> bool:
    return (one.config_hash, one.image_id) == (other.config_hash, other.image_id)
