"""Runs a container's hooks inside it, one after the other: after its start, before its stop."""

from collections.abc import Callable

import msgspec.structs

from engine.errors import EngineError
from engine.spec import ContainerSpec, Hook, Process
from engine.supervisor.containers import Container
from engine.supervisor.exits import reap
from engine.supervisor.site import Site
from engine.supervisor.visits import Visit


def run_hooks(
    site: Site, container: Container, kind: str, hooks: tuple[Hook, ...], over: Callable[[str], None]
) -> None:
    """Runs hooks in order and tells when they are over: nothing, or why the first that failed did.

    A hook that runs when the container ends, ends with it.
    """
    if not hooks:
        over("")
        return
    _Run(site, container, kind, hooks, over).go_on()


class _Run:
    """One run of several hooks."""

    def __init__(
        self, site: Site, container: Container, kind: str, hooks: tuple[Hook, ...], over: Callable[[str], None]
    ) -> None:
        self._site = site
        self._container = container
        self._kind = kind
        self._hooks = list(hooks)
        self._over = over
        self._visit: Visit | None = None

    def go_on(self) -> None:
        """Begins the next hook, or tells that there is none left."""
        if not self._hooks:
            self._over("")
            return
        if not self._container.running:
            self._fail("the container has ended")
            return
        hook = self._hooks.pop(0)
        spec = self._container.spec
        try:
            self._visit = Visit(self._site, self._container, _process(spec, hook), _allowed(spec, hook), self._on_end)
        except (EngineError, OSError) as error:
            self._fail(str(error))

    def _on_end(self) -> None:
        if self._visit is None:
            return
        visit, self._visit = self._visit, None
        exit_code = reap(visit.entered.pidfd)
        problem = visit.close()
        if problem:
            self._fail(problem)
        elif exit_code:
            said = visit.text()
            self._fail(f"it ended with {exit_code}" + (f": {said}" if said else ""))
        else:
            self.go_on()

    def _fail(self, why: str) -> None:
        self._over(f"a {self._kind} hook of container {self._container.spec.name} failed: {why}")


def _process(spec: ContainerSpec, hook: Hook) -> Process:
    """What a hook leaves open is as for the container's own program."""
    own = spec.process
    return Process(
        argv=hook.argv,
        environment={**own.environment, **hook.environment},
        working_directory=hook.working_directory or own.working_directory,
        user=hook.user or own.user,
        groups=own.groups,
    )


def _allowed(spec: ContainerSpec, hook: Hook) -> ContainerSpec:
    if not hook.privileged:
        return spec
    return msgspec.structs.replace(spec, confinement=msgspec.structs.replace(spec.confinement, privileged=True))
