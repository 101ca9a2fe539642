"""Decides what runs before a service's containers are started for the first time: its pre_start hooks."""

import hashlib
from collections.abc import Iterable

import msgspec.structs

from compose import naming
from compose.deciding.orphans import is_hook
from compose.deciding.steps import Await, CreateContainer, Draft, RemoveContainer, StartContainer, StopContainer
from engine.spec import ContainerSpec, RestartPolicy
from engine.state import ALIVE, ContainerRecord


class PreStarts:
    """The hooks of one service in one plan. A hook runs in a container of its own, which goes when it has succeeded.

    `specs` are what its replicas shall be, `records` all containers of the service. `creation_needs` are the keys of
    steps before any container's making.
    """

    def __init__(
        self,
        draft: Draft,
        specs: Iterable[ContainerSpec],
        records: Iterable[ContainerRecord],
        creation_needs: tuple[str, ...],
    ) -> None:
        self._draft = draft
        self._versions = {spec.number: (spec.config_hash, spec.image_id) for spec in specs}
        self._records = tuple(records)
        self._left = tuple(record for record in self._records if is_hook(record))
        self._creation_needs = creation_needs
        self._ends: dict[str, str] = {}

    def before(self, spec: ContainerSpec, needs: tuple[str, ...]) -> tuple[str, ...]:
        """Adds the hooks that have to run before a replica's start; gives the keys that the start needs.

        A replica that was started before has had them. Those that are not `per_replica` run for all of them once.
        """
        if not spec.pre_start:
            return needs
        had = [record for record in self._records if record.state.started_ns and self._is_current(record)]
        if any(record.spec.id == spec.id for record in had):
            return needs
        for index, hook in enumerate(spec.pre_start, 1):
            if had and not hook.per_replica:
                continue
            whose = f"{index} {spec.name if hook.per_replica else ''}"
            if whose not in self._ends:
                self._ends[whose] = self._run(self._container(spec, index), needs)
            needs = (*needs, self._ends[whose])
        return needs

    def clear(self) -> None:
        """Removes what is left of hooks of earlier plans, one that failed and was kept, or was cut off."""
        for record in self._left:
            id_, name, cause = record.spec.id, record.spec.name, "what is left of a hook"
            alive = record.state.status in ALIVE
            stop = (self._draft.add(StopContainer(id=id_, name=name), cause),) if alive else ()
            removal = self._draft.add(RemoveContainer(id=id_, name=name), cause, needs=stop)
            for end in self._ends.values():
                self._draft.order(removal, end.replace("remove container", "create container", 1))

    def _is_current(self, record: ContainerRecord) -> bool:
        spec = record.spec
        return not is_hook(record) and self._versions.get(spec.number) == (spec.config_hash, spec.image_id)

    def _container(self, spec: ContainerSpec, index: int) -> ContainerSpec:
        """The container that a replica's hook runs in: like the replica's, but found by no name, on no port.

        Its id differs from those that are left of earlier tries.
        """
        hook = spec.pre_start[index - 1]
        seed = " ".join((spec.id, str(index), *(record.spec.id for record in self._left)))
        id_ = hashlib.sha256(seed.encode()).hexdigest()
        own, confinement = spec.process, spec.confinement
        return msgspec.structs.replace(
            spec,
            id=id_,
            image_id=hook.image_id or spec.image_id,
            image_name=hook.image_name or spec.image_name,
            layers=hook.layers or spec.layers,
            name=f"{spec.stack}-{spec.service}-pre_start-{index}-{id_[:6]}",
            hostname=id_[:12],
            process=msgspec.structs.replace(
                own,
                argv=hook.argv,
                user=hook.user if hook.layers else hook.user or own.user,
                working_directory=hook.working_directory or own.working_directory,
                environment=hook.environment if hook.layers else {**own.environment, **hook.environment},
                terminal=False,
                stdin_open=False,
            ),
            endpoints=tuple(
                msgspec.structs.replace(each, aliases=(), address="", address6="", mac_address="")
                for each in spec.endpoints
            ),
            confinement=msgspec.structs.replace(confinement, privileged=True) if hook.privileged else confinement,
            labels={**spec.labels, naming.ONE_OFF: "True", naming.HOOK: "pre_start"},
            ports=(),
            exposed_ports=(),
            health=None,
            restart=RestartPolicy(),
            pre_start=(),
            post_start=(),
            pre_stop=(),
            previous=None,
            remove_at_end=False,
        )

    def _run(self, spec: ContainerSpec, needs: tuple[str, ...]) -> str:
        cause = f"pre_start of {spec.service}"
        draft = self._draft
        made = draft.add(CreateContainer(spec=spec), cause, needs=(*needs, *self._creation_needs))
        started = draft.add(StartContainer(id=spec.id, name=spec.name, aside=True), cause, needs=(made,))
        over = draft.add(
            Await(id=spec.id, name=spec.name, condition="completed", otherwise=f"{cause} failed"),
            cause,
            needs=(started,),
        )
        return draft.add(RemoveContainer(id=spec.id, name=spec.name), cause, needs=(over,))
