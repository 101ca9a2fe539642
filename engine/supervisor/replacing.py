"""Lets containers take each other's place: one is let in once it is ready, another retires and is let go of."""

from functools import partial

import msgspec.structs

from engine.connections import Connections, connections_of
from engine.errors import RequestError
from engine.protocol import Failure
from engine.records import write_spec
from engine.spec import ContainerSpec
from engine.supervisor.containers import Answered, Container
from engine.supervisor.site import Site
from engine.supervisor.waiting import Condition
from net.errors import NetError

Waiting = tuple[Condition, Answered]

_LOOK_SECONDS = 0.05
_LISTEN_SECONDS = 60.0
_LEAST_DRAIN_SECONDS = 0.2  # whoever has just looked the address up, or been led there, has to get through


def admit(site: Site, container: Container, answer: Answered) -> None:
    """Has names and ports lead to a container once it is ready, then answers; a Failure once it cannot be.

    Ready is healthy or, without a health check, listening on the TCP ports that it publishes.
    """
    if not container.state.aside and container.running:
        answer(container.record)
        return
    _wait(site, container, "ready", partial(_let_in, site, container, answer))
    if container.spec.health is None:
        _look_for_listeners(site, container, site.loop.now() + _LISTEN_SECONDS)


def retire(site: Site, container: Container, drain_seconds: float | None, answer: Answered) -> None:
    """Has neither names nor ports lead to a container any more; answers once nobody is connected to it.

    Connections that last are waited for so many seconds, or for its grace period.
    """
    if not container.state.aside or container.state.ports:
        container.change(aside=True, ports=())
        site.save(container)
        site.network.withdraw(container.spec.id)
        site.tell(container, "retire")
    now = site.loop.now()
    most = container.spec.stop_grace_seconds if drain_seconds is None else drain_seconds
    _drain(site, container, now + min(most, _LEAST_DRAIN_SECONDS), now + most, answer)


def rename(site: Site, container: Container, name: str) -> None:
    """Gives a container another name. Raises RequestError when a container has it."""
    for other in site.containers.values():
        if other is not container and other.spec.name == name:
            raise RequestError(
                f"the name {name} is taken by the container {other.spec.id[:12]}", hint="remove it first"
            )
    spec = msgspec.structs.replace(container.spec, name=name)
    write_spec(site.stack, spec)
    container.spec = spec
    site.tell(container, "rename")


def watch(site: Site, container: Container, seconds: float, answer: Answered, *, may_finish: bool = False) -> None:
    """Answers once a container has run so long without ending or getting unhealthy; a Failure as soon as it has.

    One that `may_finish` may also end with success.
    """
    waiting = _wait(site, container, "up" if may_finish else "steady", answer)
    site.loop.call_later(seconds, partial(_settle, container, waiting))


def _wait(site: Site, container: Container, condition: Condition, answer: Answered) -> Waiting:
    waiting = (condition, answer)
    container.waits.append(waiting)
    site.settle_waits(container)
    return waiting


def _settle(container: Container, waiting: Waiting) -> None:
    """Ends a wait that is still open: what it waited for has come."""
    if waiting in container.waits:
        container.waits.remove(waiting)
        waiting[1](container.record)


def _let_in(site: Site, container: Container, answer: Answered, reply: object) -> None:
    if isinstance(reply, Failure):
        answer(reply)
        return
    try:
        ports = site.network.publish(container.spec, container.state.attachments)
    except NetError as error:
        answer(Failure(message=error.message, hint=error.hint, exit_code=125))
        return
    container.change(aside=False, ports=ports)
    site.save(container)
    site.tell(container, "admit")
    answer(container.record)


def _look_for_listeners(site: Site, container: Container, deadline: float) -> None:
    """Looks until the container listens on all that it publishes, or cannot become ready any more."""
    waiting = [each for each in container.waits if each[0] == "ready"]
    if not waiting:
        return
    missing = _published_ports(container.spec) - _connections(container).listening
    if missing and site.loop.now() < deadline:
        site.loop.call_later(_LOOK_SECONDS, partial(_look_for_listeners, site, container, deadline))
        return
    for each in waiting:
        if missing:
            container.waits.remove(each)
            ports = ", ".join(str(port) for port in sorted(missing))
            each[1](_deaf(container, ports))
        else:
            _settle(container, each)


def _deaf(container: Container, ports: str) -> Failure:
    return Failure(
        message=f"container {container.spec.name} publishes port {ports}, but does not listen there",
        hint=f"it was waited for {_LISTEN_SECONDS:g} s; a health check tells better when it is ready",
    )


def _drain(site: Site, container: Container, earliest: float, latest: float, answer: Answered) -> None:
    now = site.loop.now()
    over = not container.running or now >= latest or (now >= earliest and not _connections(container).in_use)
    if over:
        answer(container.record)
    else:
        site.loop.call_later(_LOOK_SECONDS, partial(_drain, site, container, earliest, latest, answer))


def _connections(container: Container) -> Connections:
    process = container.state.process
    return Connections(frozenset(), 0) if process is None or not container.running else connections_of(process.pid)


def _published_ports(spec: ContainerSpec) -> frozenset[int]:
    return frozenset(port.container_port for port in spec.ports if port.protocol == "tcp")
