"""Decides how services go back to what they were: after an update that failed, or because somebody asks for it."""

from collections.abc import Callable, Iterable, Mapping

import msgspec.structs

from compose import naming
from compose.deciding.rolling import Place, is_settled, place_of, roll
from compose.deciding.steps import Draft, Plan, Roll, StopContainer
from compose.model import UpdatePolicy
from engine.spec import ContainerSpec
from engine.state import ALIVE, ContainerRecord

Records = Iterable[ContainerRecord]
NewId = Callable[[], str]
Policies = Mapping[str, UpdatePolicy]


def plan_rollback(stack: str, records: Records, services: tuple[str, ...], policies: Policies, new_id: NewId) -> Plan:
    """Takes services (all if none are named) back to the version before their last change.

    `policies` are the services' own for going back. A replica that remembers no other version stays as it is.
    """
    wanted = {
        record.spec.service: record.spec.previous
        for record in records
        if record.spec.previous is not None and (not services or record.spec.service in services)
    }
    draft = Draft()
    rolls: list[Roll] = []
    for service, previous in wanted.items():
        mine = [record for record in records if record.spec.service == service]
        targets = {
            record.spec.number: _again(record.spec.previous or previous, record.spec, new_id())
            for record in sorted(mine, key=lambda record: record.spec.number)
        }
        rolls += _go_back(draft, service, targets, mine, policies, "rollback")
    return Plan(stack=stack, steps=draft.sorted(), rolls=tuple(rolls))


def plan_aftermath(
    stack: str, failed: Iterable[Roll], before: Records, now: Records, policies: Policies, new_id: NewId
) -> Plan:
    """What becomes of services whose update failed: they go back, or what failed is stopped and left to be looked at.

    `before` are the containers as they were when the update was planned.
    """
    draft = Draft()
    rolls: list[Roll] = []
    for each in failed:
        mine = [record for record in now if record.spec.service == each.service]
        if each.failure_action == "rollback":
            targets = {
                record.spec.number: _again(record.spec, record.spec, new_id())
                for record in sorted(before, key=lambda record: record.spec.number)
                if record.spec.service == each.service
            }
            rolls += _go_back(draft, each.service, targets, mine, policies, "the update failed")
            continue
        for record in mine:
            others = sum(other.spec.number == record.spec.number for other in mine)
            if record.state.aside and others > 1 and record.state.status in ALIVE:
                stop = StopContainer(id=record.spec.id, name=record.spec.name)
                draft.add(stop, "the update failed: it is kept to be looked at")
    return Plan(stack=stack, steps=draft.sorted(), rolls=tuple(rolls))


def _go_back(
    draft: Draft,
    service: str,
    targets: Mapping[int, ContainerSpec],
    records: list[ContainerRecord],
    policies: Policies,
    cause: str,
) -> list[Roll]:
    """Adds the steps that bring a service's replicas to these specifications."""
    places: list[Place] = []
    for number, target in targets.items():
        there = [record for record in records if record.spec.number == number]
        place = place_of(target, there, lambda record, target=target: _why(record, target, cause))  # type: ignore[misc]  # bound at once
        if not is_settled(place):
            places.append(place._replace(cause=cause))
    if not places:
        return []
    return [roll(draft, service, policies.get(service) or UpdatePolicy(parallelism=0), tuple(places)).roll]


def _why(record: ContainerRecord, target: ContainerSpec, cause: str) -> str:
    mine = record.spec
    same = (mine.config_hash, mine.image_id) == (target.config_hash, target.image_id)
    return "" if same and record.state.status in ALIVE else cause


def _again(version: ContainerSpec, now: ContainerSpec, new_id: str) -> ContainerSpec:
    """A version's specification for a new container in the place of one that is there now."""
    name = now.name.partition("_")[2] if now.name.startswith(f"{now.id[:12]}_") else now.name
    hostname = new_id[:12] if version.hostname == version.id[:12] else version.hostname
    labels = {**version.labels, naming.NUMBER: str(now.number)}
    return msgspec.structs.replace(
        version, id=new_id, name=name, number=now.number, hostname=hostname, labels=labels, previous=None
    )
