"""Runs a container's health probes, one at a time, and tells what they say."""

from collections.abc import Callable

from engine.errors import EngineError
from engine.spec import HealthProbe, Process
from engine.supervisor.containers import Container
from engine.supervisor.exits import reap
from engine.supervisor.health import HealthHistory, after, begin, next_probe_at, resume
from engine.supervisor.hooks import run_hooks
from engine.supervisor.quitting import ask_to_quit
from engine.supervisor.site import Site
from engine.supervisor.visits import Visit

_NOT_FOUND = 127


def begin_probing(site: Site, container: Container) -> None:
    """Starts to probe a container that has just been started, if it has a health check."""
    probe = container.spec.health
    if probe is not None:
        container.probing = Prober(site, container, probe, begin(probe, site.loop.now()))


def resume_probing(site: Site, container: Container) -> None:
    """Goes on probing a container that was found running."""
    probe = container.spec.health
    if probe is not None:
        history = resume(probe, container.state.health, container.began, site.loop.now())
        container.probing = Prober(site, container, probe, history)
        _heal(site, container)


def _heal(site: Site, container: Container) -> None:
    """Ends an unhealthy container that wants to be started again then; its end does the rest.

    Its pre_stop hooks run before. A sick container's may fail or hang: after the grace period it ends all the same.
    """
    spec, process = container.spec, container.state.process
    if container.state.health != "unhealthy" or spec.on_unhealthy != "restart" or not container.running:
        return

    def quit_once(_failure: str = "") -> None:
        cancel()
        if container.running and container.state.process == process:
            ask_to_quit(site, container, spec.stop_grace_seconds)

    cancel = site.loop.call_later(spec.stop_grace_seconds, quit_once) if spec.pre_stop else _nothing
    run_hooks(site, container, "pre_stop", spec.pre_stop, quit_once)


def _nothing() -> None:
    """Stands for what there is not to cancel."""


class Prober:
    """The probes of one run of a container, until `stop`."""

    def __init__(self, site: Site, container: Container, probe: HealthProbe, history: HealthHistory) -> None:
        self._site = site
        self._container = container
        self._probe = probe
        self._history = history
        self._running: Visit | None = None
        self._late: Visit | None = None
        self._cancel: Callable[[], None] = lambda: None
        self._schedule()

    def stop(self) -> None:
        """Ends them, a running one with its processes."""
        self._cancel()
        if self._running is not None:
            self._running.abandon()
            self._running = None

    def _schedule(self) -> None:
        now = self._site.loop.now()
        self._cancel = self._site.loop.call_later(next_probe_at(self._history, now) - now, self._start)

    def _start(self) -> None:
        began = self._site.loop.now()
        container = self._container
        if self._late is not None and not self._late.gone:  # a second one would hang as well
            output = f"SIGKILL has not ended the health check before, process {self._late.entered.pid}"
            self._take(began, healthy=False, output=output)
            return
        own = container.spec.process
        process = Process(
            argv=self._probe.argv,
            environment=own.environment,
            working_directory=own.working_directory,
            user=own.user,
            groups=own.groups,
        )
        try:
            self._running = Visit(self._site, container, process, container.spec, self._on_end)
        except (EngineError, OSError) as error:
            self._take(began, healthy=False, output=str(error), failure=str(error))
            return
        self._running.began = began
        self._cancel = self._site.loop.call_later(self._probe.timeout_seconds, self._time_out)

    def _on_end(self) -> None:
        running = self._running
        if running is None:
            return
        self._cancel()
        self._running = None
        exit_code = reap(running.entered.pidfd)
        failure = running.close()
        if exit_code == _NOT_FOUND and not failure:
            failure = running.text()  # a shell says what it has not found
        self._take(running.began, healthy=exit_code == 0, output=failure or running.text(), failure=failure)

    def _time_out(self) -> None:
        running = self._running
        if running is None:
            return
        self._running = None
        running.abandon()
        self._late = running
        output = f"the health check took longer than {self._probe.timeout_seconds:g} s\n{running.text()}"
        self._take(running.began, healthy=False, output=output)

    def _take(self, began: float, *, healthy: bool, output: str, failure: str = "") -> None:
        """Takes the outcome of one probe; what changes is written down and told."""
        container = self._container
        self._history = after(self._history, self._probe, healthy=healthy, began=began, ended=self._site.loop.now())
        state = container.state
        changed = self._history.health != state.health
        if changed:
            container.change(health=self._history.health, health_output=output)
        container.was_healthy = container.was_healthy or healthy
        cannot_run = failure != state.failure
        if changed or cannot_run:
            container.change(failure=failure)
            self._site.save(container)
            self._site.tell(container, "health")
        self._schedule()
        if changed:
            _heal(self._site, container)
