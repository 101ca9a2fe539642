"""What has to be done so that a stack becomes what its file asks for."""

from collections.abc import Iterator
from functools import partial

from msgspec import structs

from compose.deciding.directories import other_directory, require_same_directory
from compose.deciding.fingerprint import changes, network_changes
from compose.deciding.finished_jobs import JOBS_CONDITION, conditions_of, is_finished
from compose.deciding.observed import Observed
from compose.deciding.orphans import is_one_off, orphans, orphans_warning, why_orphan
from compose.deciding.plan_images import plan_images
from compose.deciding.plan_volumes import masked, plan_renewals, plan_volumes, renewable_volumes, renews
from compose.deciding.pre_starts import PreStarts
from compose.deciding.rolling import Needs, Place, is_settled, place_of, roll, successor
from compose.deciding.steps import (
    Await,
    AwaitCondition,
    CreateContainer,
    CreateNetwork,
    Draft,
    Plan,
    RemoveContainer,
    RemoveNetwork,
    Roll,
    StartContainer,
    StopContainer,
)
from compose.deciding.wanted import Wanted, WantedService
from compose.model import Dependency, UpdatePolicy
from engine.spec import ContainerSpec, VolumeMount
from engine.state import ALIVE, ContainerRecord, lives


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """The steps from what there is to what is wanted, each with its cause; no steps when both are the same.

    Raises StackError when the stack under this name belongs to another directory, or an external volume is missing.
    """
    if not wanted.options.adopt:
        require_same_directory(wanted.stack, wanted.directory, observed.containers)
    found = _Planning(wanted, observed).plan()
    return structs.replace(found, warnings=(*found.warnings, *masked(found, wanted, observed)))


class _Planning:
    """One run of `plan`: what was decided for earlier services bears on later ones."""

    def __init__(self, wanted: Wanted, observed: Observed) -> None:
        self._wanted = wanted
        self._observed = observed
        self._draft = Draft()
        self._warnings: list[str] = []
        self._unchanged: list[str] = []
        self._finished: list[str] = []
        self._records_by_service: dict[str, list[ContainerRecord]] = {}
        for record in observed.containers:
            if not is_one_off(record):
                self._records_by_service.setdefault(record.spec.service, []).append(record)
        self._pre_starts: dict[str, PreStarts] = {}
        self._services = {service.name: service for service in wanted.services}
        self._replaced_services: set[str] = set()
        self._renewed: set[str] = set()
        self._finished_jobs: set[str] = set()
        self._admissions: dict[str, str] = {}
        self._roll_ends: dict[str, tuple[str, ...]] = {}
        self._rolls: list[Roll] = []
        self._shared = {
            owner for service in wanted.services for spec in service.specs for owner in spec.namespaces.owners
        }
        self._records_by_container: dict[str, ContainerRecord] = {}
        self._network_changes: dict[str, str] = {}
        self._conditions = conditions_of(wanted.services)
        self._renewable = renewable_volumes(wanted, observed)

    def plan(self) -> Plan:
        plan_images(self._draft, self._wanted)
        self._plan_networks()
        self._warnings.extend(plan_volumes(self._draft, self._wanted, self._observed, self._renewable))
        self._plan_orphans()
        for service in self._wanted.services:
            if service.one_off:
                self._plan_one_off(service)
                continue
            self._pre_starts[service.name] = self._hooks_of(service)
            self._plan_service(service)
            self._pre_starts[service.name].clear()
        plan_renewals(self._draft, self._wanted, self._observed, self._renewable)
        if self._wanted.options.wait:
            self._plan_waiting()
        self._order_names()
        return Plan(
            stack=self._wanted.stack,
            steps=self._draft.sorted(),
            unchanged=tuple(self._unchanged),
            finished=tuple(self._finished),
            warnings=tuple(self._warnings),
            rolls=tuple(self._rolls),
        )

    def _plan_networks(self) -> None:
        existing = {state.spec.name: state for state in self._observed.networks}
        for spec in self._wanted.networks:
            state = existing.get(spec.name)
            if state is None:
                stranded = any(_is_on(record, spec.name) for record in self._observed.containers)
                if stranded:
                    self._network_changes[spec.name] = f"network {spec.name} is gone"
                cause = "gone, though containers are on it" if stranded else "new network"
                self._draft.add(CreateNetwork(spec=spec), cause)
                continue
            differences = network_changes(state.spec, spec)
            if differences:
                cause = ", ".join(differences)
                self._network_changes[spec.name] = f"network {spec.name}: {cause}"
                removal = self._draft.add(RemoveNetwork(name=spec.name), cause, needs=self._detach(spec.name))
                self._draft.add(CreateNetwork(spec=spec), cause, needs=(removal,))

    def _detach(self, network: str) -> tuple[str, ...]:
        """The keys of the removals of everything on a network; planned with their services, or here for the rest."""
        keys = []
        for record in self._observed.containers:
            if _is_on(record, network):
                keys.append(f"remove container {record.spec.name}")
                if record.spec.service not in self._services:
                    self._remove(record, f"network {network} changed")
        return tuple(keys)

    def _plan_orphans(self) -> None:
        found = orphans(self._observed.containers, self._wanted.known_services)
        if self._wanted.options.remove_orphans:
            for record in found:
                self._remove(record, why_orphan(record))
        elif found and not self._wanted.options.ignore_orphans:
            self._warnings.append(orphans_warning(found))

    def _plan_one_off(self, service: WantedService) -> None:
        """The container for `run`: made once its dependencies are as it needs them, started by whoever talks to it."""
        for spec in service.specs:
            hard, soft = self._dependency_gates(service)
            hooks = self._hooks_of(service)
            ready = hooks.before(spec, hard) if self._is_new(service) else hard
            hooks.clear()
            needs = (*self._creation_needs(service, spec), *ready)
            self._draft.add(CreateContainer(spec=spec), "run" + _reach(spec), needs=needs, after=soft)

    def _plan_service(self, service: WantedService) -> None:
        by_number: dict[int, list[ContainerRecord]] = {}
        total = len(service.specs)
        records = sorted(self._records_by_service.get(service.name, ()), key=lambda each: each.spec.number)
        for record in records:
            number = record.spec.number
            if number > total:
                self._remove(record, f"scaled from {len(records)} to {total}")
            else:
                by_number.setdefault(number, []).append(record)
        places: list[Place] = []
        for spec in service.specs:
            found = by_number.get(spec.number, [])
            place = place_of(spec, found, partial(self._why_replace, service, spec))
            if self._is_rolled(service, place, before=len(by_number)):
                places.append(place)
                continue
            kept = place.new or next(iter(found), None)
            for record in found:
                if record is not kept:
                    self._remove(record, "a second container of this number")
            self._plan_replica(service, spec, kept, before=len(by_number))
        if places:
            self._roll(service, tuple(places))

    def _is_rolled(self, service: WantedService, place: Place, *, before: int) -> bool:
        """Whether a replica's place changes while others go on serving, or such a change has to be finished.

        Not where old and new cannot be there at once: namespaces that others share, networks or volumes made anew.
        """
        options, spec = self._wanted.options, place.spec
        if not before or options.no_start or options.no_recreate or is_settled(place):
            return False
        networks = {each.network for record in place.old for each in record.spec.endpoints}
        anew = networks & self._network_changes.keys() or any(renews(record, self._renewable) for record in place.old)
        if anew or spec.name in self._shared or spec.namespaces.owners:
            return False
        return service.update is not None or place.new is not None

    def _roll(self, service: WantedService, places: tuple[Place, ...]) -> None:
        policy = service.update or UpdatePolicy()
        fixed = [spec for spec in service.specs if any(each.address or each.address6 for each in spec.endpoints)]
        if policy.order == "start-first" and fixed:
            policy = structs.replace(policy, order="stop-first")
            self._warnings.append(f"{service.name} has an address of its own, so an update stops its container first")
        needs = Needs(partial(self._creation_needs, service), partial(self._gates_before, service))
        grace_seconds = self._wanted.options.grace_seconds
        rolled = roll(self._draft, service.name, policy, places, needs=needs, grace_seconds=grace_seconds)
        self._admissions.update(rolled.admissions)
        self._rolls.append(rolled.roll)
        if any(place.old for place in places):
            self._replaced_services.add(service.name)
            self._roll_ends[service.name] = rolled.ends

    def _plan_replica(
        self, service: WantedService, spec: ContainerSpec, record: ContainerRecord | None, *, before: int
    ) -> None:
        if record is None:
            self._create(service, spec, f"scaled from {before} to {len(service.specs)}" if before else "new service")
            return
        cause = self._why_replace(service, spec, record)
        if cause:
            removal = self._remove(record, cause)
            self._replaced_services.add(service.name)
            self._create(service, successor(spec, record.spec), cause, needs=(removal,))
            return
        self._records_by_container[spec.name] = record
        restarted = self._why_restart(service)
        status = record.state.status
        if status in ALIVE and restarted:
            cause, dependency = restarted
            stop = self._draft.add(self._stop(record), cause)
            self._start(service, record.spec, cause, needs=(stop,))
            for end in self._roll_ends.get(dependency, ()):
                self._draft.order(end, stop)
            for other in () if dependency in self._roll_ends else self._records_by_service.get(dependency, ()):
                self._draft.order(stop, f"stop container {other.spec.name}")
                self._draft.order(stop, f"remove container {other.spec.name}")
        elif lives(record.state):
            self._unchanged.append(spec.name)
        elif not restarted and is_finished(
            record, self._conditions.get(service.name, frozenset()), self._wanted.options
        ):
            self._finished_jobs.add(spec.name)
            self._finished.append(spec.name)
        else:
            self._start(service, record.spec, restarted[0] if restarted else _why_start(record))

    def _why_replace(self, service: WantedService, spec: ContainerSpec, record: ContainerRecord) -> str:
        if record.state.half_removed:
            return "its removal failed half way"
        return "" if self._wanted.options.no_recreate else self._why_recreate(service, spec, record)

    def _why_recreate(self, service: WantedService, spec: ContainerSpec, record: ContainerRecord) -> str:
        other = other_directory(record, self._wanted.directory)
        if other:
            return f"taken over from {other}"
        if service.recreate:
            return "--force-recreate" if self._wanted.options.force_recreate else "--always-recreate-deps"
        renewed = renews(record, self._renewable)
        if renewed:
            return renewed
        for endpoint in record.spec.endpoints:
            if endpoint.network in self._network_changes:
                return self._network_changes[endpoint.network]
        for name in spec.namespaces.owners:
            if name in self._renewed:
                return f"shares a namespace of {name}, which is made anew"
        if service.image.need:
            return ""
        return ", ".join(changes(record.spec, spec))

    def _why_restart(self, service: WantedService) -> tuple[str, str] | None:
        for dependency in service.dependencies:
            if dependency.restart and dependency.service in self._replaced_services:
                return f"depends on {dependency.service}, which is recreated", dependency.service
        return None

    def _create(self, service: WantedService, spec: ContainerSpec, cause: str, *, needs: tuple[str, ...] = ()) -> None:
        self._renewed.add(spec.name)
        first = (*needs, *self._creation_needs(service, spec))
        creation = self._draft.add(CreateContainer(spec=spec), cause + _reach(spec), needs=first)
        self._start(service, spec, cause, needs=(creation,))

    def _creation_needs(self, service: WantedService, spec: ContainerSpec) -> tuple[str, ...]:
        image = f"{'build' if service.image.need and service.image.need.builder else 'make'} image {service.image.name}"
        networks = (f"create network {endpoint.network}" for endpoint in spec.endpoints)
        volumes = (f"create volume {mount.volume}" for mount in spec.mounts if isinstance(mount, VolumeMount))
        return (image, *networks, *volumes)

    def _start(self, service: WantedService, spec: ContainerSpec, cause: str, *, needs: tuple[str, ...] = ()) -> None:
        if self._wanted.options.no_start:
            return
        hard, soft = self._dependency_gates(service)
        needs = self._pre_starts[service.name].before(spec, (*needs, *hard))
        self._draft.add(StartContainer(id=spec.id, name=spec.name), cause, needs=needs, after=soft)

    def _hooks_of(self, service: WantedService) -> PreStarts:
        mine = (record for record in self._observed.containers if record.spec.service == service.name)
        needs = self._creation_needs(service, service.specs[0]) if service.specs else ()
        return PreStarts(self._draft, service.specs, mine, needs)

    def _is_new(self, service: WantedService) -> bool:
        """Whether no container of a service has ever run, and so none of its pre_start hooks."""
        return not any(record.state.started_ns for record in self._records_by_service.get(service.name, ()))

    def _gates_before(self, service: WantedService, spec: ContainerSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
        hard, soft = self._dependency_gates(service)
        return self._pre_starts[service.name].before(spec, hard), soft

    def _dependency_gates(self, service: WantedService) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The keys of the steps that must have succeeded, and of those that must be over, before a start."""
        hard: list[str] = []
        soft: list[str] = []
        for dependency in service.dependencies:
            (hard if dependency.required else soft).extend(self._gates(dependency))
        return tuple(hard), tuple(soft)

    def _gates(self, dependency: Dependency) -> Iterator[str]:
        """The keys of the steps that a dependency's condition stands for."""
        for spec in self._services[dependency.service].specs:
            if spec.name in self._finished_jobs:
                continue
            if spec.name in self._admissions:
                yield self._admissions[spec.name]
                continue
            record = self._records_by_container.get(spec.name)
            start = f"start container {spec.name}"
            if dependency.condition == "service_started":
                yield start
            elif dependency.condition == "service_completed_successfully":
                yield self._await(spec, "completed", f"{dependency.service} must have completed", dependency)
            elif record is None or record.state.health != "healthy" or start in self._draft:
                yield self._await(spec, "healthy", f"{dependency.service} must be healthy", dependency)

    def _await(
        self, spec: ContainerSpec, condition: AwaitCondition, cause: str, dependency: Dependency | None = None
    ) -> str:
        record = self._records_by_container.get(spec.name)
        optional = dependency is not None and not dependency.required
        otherwise = "dependency failed to start" if dependency else ""
        action = Await(
            id=record.spec.id if record else spec.id, name=spec.name, condition=condition, otherwise=otherwise
        )
        return self._draft.add(action, cause, needs=(f"start container {spec.name}",), optional=optional)

    def _plan_waiting(self) -> None:
        for service in self._wanted.services:
            for spec in service.specs:
                record = self._records_by_container.get(spec.name)
                healthy = record and record.state.health == "healthy"
                if spec.name in self._finished_jobs or spec.name in self._admissions or healthy:
                    continue
                if JOBS_CONDITION in self._conditions.get(service.name, ()):
                    self._await(spec, "completed", "--wait")
                elif spec.health:
                    self._await(spec, "healthy", "--wait")
                elif f"start container {spec.name}" in self._draft:
                    self._await(spec, "running", "--wait")

    def _remove(self, record: ContainerRecord, cause: str) -> str:
        needs: tuple[str, ...] = ()
        if record.state.status in ALIVE:
            needs = (self._draft.add(self._stop(record), cause),)
        return self._draft.add(RemoveContainer(id=record.spec.id, name=record.spec.name), cause, needs=needs)

    def _stop(self, record: ContainerRecord) -> StopContainer:
        return StopContainer(id=record.spec.id, name=record.spec.name, grace_seconds=self._wanted.options.grace_seconds)

    def _order_names(self) -> None:
        """A container that takes over another's name is made after that one is gone."""
        for service in self._wanted.services:
            for spec in service.specs:
                self._draft.order(f"remove container {spec.name}", f"create container {spec.name}")


def _is_on(record: ContainerRecord, network: str) -> bool:
    return any(endpoint.network == network for endpoint in record.spec.endpoints)


def _reach(spec: ContainerSpec) -> str:
    """How far a container reaches into the host, for everybody to see; empty for an ordinary one."""
    shared = [kind for kind in ("network", "pid", "ipc", "uts", "cgroup", "user") if _is_hosts(spec, kind)]
    words = ["privileged"] if spec.confinement.privileged else []
    if shared:
        words.append(f"shares the host's {', '.join(shared)}")
    return f" ({'; '.join(words)})" if words else ""


def _is_hosts(spec: ContainerSpec, kind: str) -> bool:
    return bool(getattr(spec.namespaces, kind) == "host")


def _why_start(record: ContainerRecord) -> str:
    state = record.state
    if state.unkillable:
        return "SIGKILL has not ended it"
    if state.status == "created":
        return f"not started: {state.failure}" if state.failure else "not started yet"
    code = "an unknown status" if state.exit_code is None else f"status {state.exit_code}"
    killed = ", out of memory" if state.oom_killed else ""
    return f"exited with {code}{killed}"
