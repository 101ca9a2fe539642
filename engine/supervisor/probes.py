"""Runs a container's health probes, one at a time, and tells what they say."""

import contextlib
import os
import signal
from collections.abc import Callable

from engine.enter import Entered, Entry, enter, read_outcome
from engine.errors import EngineError
from engine.processes import kill_and_reap
from engine.spec import HealthProbe, Process
from engine.supervisor.containers import Container
from engine.supervisor.exits import reap
from engine.supervisor.health import HealthHistory, after, begin, next_probe_at, resume
from engine.supervisor.loop import READABLE
from engine.supervisor.site import Site

OUTPUT_BYTES = 4096
_CHUNK_BYTES = 1 << 16


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


class Prober:
    """The probes of one run of a container, until `stop`."""

    def __init__(self, site: Site, container: Container, probe: HealthProbe, history: HealthHistory) -> None:
        self._site = site
        self._container = container
        self._probe = probe
        self._history = history
        self._running: _Running | None = None
        self._cancel: Callable[[], None] = lambda: None
        self._schedule()

    def stop(self) -> None:
        """Ends them, a running one with its processes."""
        self._cancel()
        if self._running is not None:
            self._running.kill()
            self._running.close()
            self._running = None

    def _schedule(self) -> None:
        now = self._site.loop.now()
        self._cancel = self._site.loop.call_later(next_probe_at(self._history, now) - now, self._start)

    def _start(self) -> None:
        began = self._site.loop.now()
        try:
            self._running = _Running(self._site, self._container, self._probe, self._on_end)
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
        self._take(running.began, healthy=exit_code == 0, output=failure or running.text(), failure=failure)

    def _time_out(self) -> None:
        running = self._running
        if running is None:
            return
        self._running = None
        running.kill()
        running.close()
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
        if changed or failure != state.failure:
            container.change(failure=failure)
            self._site.save(container)
        if changed:
            self._site.tell(container, "health")
        self._schedule()


class _Running:
    """A probe that runs: its process, and the end of what it prints."""

    def __init__(self, site: Site, container: Container, probe: HealthProbe, on_end: Callable[[], None]) -> None:
        self.began = 0.0
        self._loop = site.loop
        self._output = b""
        self._output_fd, far_end = os.pipe2(os.O_CLOEXEC)
        null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.entered: Entered = enter(
                Entry(
                    process=Process(
                        argv=probe.argv,
                        environment=container.spec.process.environment,
                        working_directory=container.spec.process.working_directory,
                        user=container.spec.process.user,
                        groups=container.spec.process.groups,
                    ),
                    container=container.pidfd,
                    spec=container.spec,
                    first_id=container.state.first_id,
                    cgroup=site.cgroups.find(container.spec.id, container.spec.cgroup_parent),
                    stdin=null,
                    stdout=far_end,
                    stderr=far_end,
                    cache=site.stack.roots.cache,
                )
            )
        except BaseException:
            os.close(self._output_fd)
            raise
        finally:
            os.close(far_end)
            os.close(null)
        os.set_blocking(self._output_fd, False)
        self._loop.add_reader(self._output_fd, self._read)
        self._loop.watch(self.entered.pidfd, READABLE, lambda _events: on_end())

    def kill(self) -> None:
        """Ends it with its process group; nobody has reaped it yet, so that both ids still are its own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.entered.pid, signal.SIGKILL)
        kill_and_reap(self.entered.pidfd)

    def close(self) -> str:
        """Lets go of everything once it ended; tells why the program could not run, if it could not."""
        self._read()
        self._loop.forget(self._output_fd)
        self._loop.forget(self.entered.pidfd)
        os.close(self._output_fd)
        os.close(self.entered.pidfd)
        error = read_outcome(self.entered.outcome_fd)
        return "" if error is None else error.message

    def text(self) -> str:
        """The end of what it has printed."""
        return self._output.decode(errors="replace").strip()

    def _read(self) -> None:
        try:
            chunk = os.read(self._output_fd, _CHUNK_BYTES)
        except BlockingIOError:
            return
        self._output = (self._output + chunk)[-OUTPUT_BYTES:]
        if not chunk:
            self._loop.forget(self._output_fd)
