"""Ends a container at somebody's wish: its stop signal first, everything in it killed after the grace period."""

import signal
from functools import partial

from engine import signals
from engine.errors import RequestError
from engine.protocol import Failure
from engine.state import ContainerRecord
from engine.supervisor.containers import Answered, Container
from engine.supervisor.hooks import run_hooks
from engine.supervisor.pausing import resume
from engine.supervisor.quitting import ask_to_quit, send
from engine.supervisor.site import Site


def stop(
    site: Site, container: Container, grace_seconds: float | None, answer: Answered, *, leaves: bool = False
) -> None:
    """Stops a container and answers once it ended; one that does not run is answered at once, and not restarted.

    One that SIGKILL does not end is answered with a Failure after some seconds; if it `leaves`, it is removed whenever
    it ends. Its pre_stop hooks come first: when one fails, the container goes on, and the answer is a Failure.
    """
    if container.launching and not container.state.unkillable:
        _stop_later(site, container, grace_seconds, answer, leaves=leaves)
        return
    if leaves:
        answer = partial(_leave_later, site, container, answer)
    if not container.running or not container.spec.pre_stop or container.stopped or container.state.unkillable:
        stop_at_once(site, container, grace_seconds, answer)
        return
    container.leaving.append((grace_seconds, answer))
    if len(container.leaving) > 1:
        return
    if container.state.paused:
        resume(site, container)
    run_hooks(site, container, "pre_stop", container.spec.pre_stop, partial(_finish_hooks, site, container))


def _finish_hooks(site: Site, container: Container, failure: str) -> None:
    leaving, container.leaving = container.leaving, []
    for grace_seconds, answer in leaving:
        if failure and container.running:
            answer(Failure(message=failure, hint="it goes on; `windlass kill` ends it without hooks"))
        else:
            stop_at_once(site, container, grace_seconds, answer)


def _stop_later(
    site: Site, container: Container, grace_seconds: float | None, answer: Answered, *, leaves: bool
) -> None:
    """Stops a container once its program runs; a start that takes longer than the grace period is cut off."""
    stop_then = partial(stop, site, container, grace_seconds, answer, leaves=leaves)
    container.after_launch.append(stop_then)

    def cut_off() -> None:
        if stop_then in container.after_launch:
            container.after_launch.remove(stop_then)
            then = partial(_leave_later, site, container, answer) if leaves else answer
            stop_at_once(site, container, 0, then)

    site.loop.call_later(container.spec.stop_grace_seconds if grace_seconds is None else grace_seconds, cut_off)


def _leave_later(site: Site, container: Container, answer: Answered, reply: ContainerRecord | Failure) -> None:
    if container.state.unkillable:
        container.change(leaving=True)
        site.save(container)
    answer(reply)


def stop_at_once(site: Site, container: Container, grace_seconds: float | None, answer: Answered) -> None:
    """Stops a container whatever its hooks would say."""
    signal_number(container.spec.stop_signal)
    container.cancel_restart()
    changes: dict[str, object] = {"stopped_by_user": True}
    if container.state.status == "restarting":
        changes["status"] = "exited"
    container.change(**changes)
    site.save(container)
    if not container.running:
        site.settle_waits(container)
        answer(container.record)
        return
    container.stopped.append(answer)
    site.tell(container, "stop")
    ask_to_quit(site, container, container.spec.stop_grace_seconds if grace_seconds is None else grace_seconds)
    if container.state.paused:
        resume(site, container)


def kill(site: Site, container: Container, signal_name: str, answer: Answered) -> None:
    """Sends one signal to the container's first process. Raises RequestError when it does not run.

    That is the answer; for SIGKILL, the end is, or a Failure when it does not come. SIGKILL, and the signal that stops
    it, count as stopping: a restart policy does not act then.
    """
    number = signal_number(signal_name)
    if not container.running:
        raise RequestError(f"container {container.spec.name} is not running")
    if number in {signal.SIGKILL, signal_number(container.spec.stop_signal)}:
        container.change(stopped_by_user=True)
        site.save(container)
    send(site, container, number)
    site.tell(container, "kill")
    if number == signal.SIGKILL:
        container.stopped.append(answer)
    else:
        answer(container.record)


def signal_number(name: str) -> int:
    """The number of a signal named with or without SIG, or by its number; RequestError when there is none."""
    try:
        return signals.signal_number(name)
    except ValueError as error:
        raise RequestError(str(error), hint="use a name such as SIGTERM; `kill -l` lists them") from None
