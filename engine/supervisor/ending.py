"""What happens when a container ends: everything it held is let go of, and its restart policy decides."""

import os
from collections.abc import Callable

from engine.errors import EngineError
from engine.namespaces import unpin
from engine.processes import kill_and_reap
from engine.supervisor.containers import Container
from engine.supervisor.exits import exit_code_of_stranger, reap
from engine.supervisor.restart import RestartHistory, next_delay, settled_attempts
from engine.supervisor.selfremoval import remove_soon
from engine.supervisor.site import Site
from net.errors import NetError


def on_end(site: Site, container: Container) -> None:
    """Called when the container's first process ended: takes its exit code, then settles everything."""
    if container.finish_launch is not None:
        container.finish_launch()  # its program may have failed to run: then it was let go of
    if container.running:
        exit_code = _take_exit_code(container)
        oom_killed = let_go(site, container)
        end(site, container, exit_code, oom_killed=oom_killed)


def end(
    site: Site,
    container: Container,
    exit_code: int | None,
    *,
    oom_killed: bool = False,
    failure: str = "",
    may_restart: bool = True,
) -> None:
    """Records an end, tells everybody concerned and starts the container again if its policy says so.

    `failure` is why it could not even start.
    """
    state = container.state
    now_ns = site.clock_ns()
    history = RestartHistory(
        exit_code=exit_code,
        uptime_seconds=0.0 if failure else site.loop.now() - container.began,
        attempts=container.attempts,
        stopped_by_user=state.stopped_by_user,
        unhealthy=container.spec.on_unhealthy == "restart" and state.health == "unhealthy",
        was_healthy=container.was_healthy,
    )
    delay = next_delay(container.spec.restart, history) if may_restart else None
    container.attempts = settled_attempts(container.spec.restart, history)
    container.change(
        status="exited" if delay is None else "restarting",
        health="none",
        process=None,
        exit_code=exit_code,
        oom_killed=oom_killed,
        finished_ns=now_ns,
        failure=failure,
        unkillable="",
        ports=(),
        paused=False,
        troubles=(),
    )
    site.save(container)
    # Until that is written, the pin alone tells the next supervisor how it ended.
    _try(site, container, lambda: unpin(site.pin(container.spec.id)))
    if oom_killed:
        site.tell(container, "oom")
    site.tell(container, "die")
    container.answer(container.stopped, container.record)
    if container.audience is not None:
        container.audience.finish()
        container.audience = None
    if delay is None and (container.spec.remove_at_end or container.state.leaving):
        remove_soon(site, container)
    if delay is not None:
        container.cancel_restart = site.loop.call_later(delay, lambda: site.restart(container))


def let_go(site: Site, container: Container) -> bool:
    """Lets go of all that a container that ended held while it ran; tells whether it ran out of memory."""
    container.cancel_kill()
    if container.cancel_expectation is not None:
        container.cancel_expectation()
        container.cancel_expectation = None
    if container.probing is not None:
        container.probing.stop()
        container.probing = None
    if container.pidfd >= 0:
        site.loop.forget(container.pidfd)
        if container.is_child:
            kill_and_reap(container.pidfd)
        os.close(container.pidfd)
        container.pidfd = -1
    cgroup = site.cgroups.find(container.spec.id, container.spec.cgroup_parent)
    oom_killed = cgroup.oom_kills() > 0
    if container.spec.namespaces.pid:  # among the processes of others its own go on
        _try(site, container, cgroup.kill)
    # Its descendants ended with it (pid_namespaces(7)), so what is read now is all that was printed.
    if container.output is not None:
        container.output.drain()
        container.output = None
    for let_go_of in (
        lambda: site.network.disconnect(container.spec.id),
        cgroup.kill,
        cgroup.remove,
    ):
        _try(site, container, let_go_of)
    return oom_killed


def _take_exit_code(container: Container) -> int | None:
    if container.is_child:
        return reap(container.pidfd)
    if container.state.process is None:
        return None
    return exit_code_of_stranger(container.pidfd, container.state.process)


def _try(site: Site, container: Container, step: Callable[[], None]) -> None:
    """One thing that cannot be let go of must not keep the others, nor the container from being started again."""
    try:
        step()
    except (EngineError, NetError, OSError) as error:
        site.report(f"{container.spec.name}: {error}")
