"""Makes a running container stand still, or go on."""

import os
import select
from contextlib import suppress

from engine import freezer
from engine.errors import EngineError, RequestError
from engine.supervisor.containers import Answered, Container
from engine.supervisor.probes import resume_probing
from engine.supervisor.site import Site


def pause(site: Site, container: Container, answer: Answered) -> None:
    """Freezes a container and answers once every process of it stands still; its health is not probed meanwhile."""
    _require_running(container)
    if container.state.paused:
        answer(container.record)
        return
    cgroup = site.cgroups.find(container.spec.id, container.spec.cgroup_parent)
    events_fd = freezer.open_events(cgroup)
    if container.probing is not None:
        container.probing.stop()
        container.probing = None
    container.change(paused=True)
    site.save(container)  # first: what is frozen without being known as paused could not be unpaused
    try:
        freezer.freeze(cgroup)
    except BaseException:
        os.close(events_fd)
        raise

    def look(_events: int) -> None:
        # Whatever ends the wait, the container's end or its going on, changes the events, too.
        if container.state.paused and not freezer.is_frozen(events_fd):
            return
        site.loop.forget(events_fd)
        os.close(events_fd)
        if container.state.paused:
            site.tell(container, "pause")
        answer(container.record)

    site.loop.watch(events_fd, select.EPOLLPRI, look)
    look(0)


def unpause(site: Site, container: Container, answer: Answered) -> None:
    """Lets a paused container go on; one that is not paused is answered as it is."""
    _require_running(container)
    if container.state.paused:
        resume(site, container)
        resume_probing(site, container)
    answer(container.record)


def let_go_on(site: Site, container: Container) -> None:
    """Lets a container go on whose pause nobody ends any more; one that is not paused, or has ended, stays as it is."""
    if container.running and not container.launching and container.state.paused:
        with suppress(EngineError, OSError):  # nobody would be told
            unpause(site, container, lambda _record: None)


def resume(site: Site, container: Container) -> None:
    """Thaws a container, whatever comes next."""
    freezer.thaw(site.cgroups.find(container.spec.id, container.spec.cgroup_parent))
    container.change(paused=False)
    site.save(container)
    site.tell(container, "unpause")


def _require_running(container: Container) -> None:
    if not container.running or container.launching:
        raise RequestError(f"container {container.spec.name} is not running", hint="windlass start starts it")
