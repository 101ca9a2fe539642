"""A stack as a graph: its services, and who waits for whom."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from compose.model import Condition, Mount, Service, Stack
from compose.reading.dependencies import start_order
from engine.state import ContainerRecord, ContainerState

Health = Literal["", "healthy", "running", "starting", "done", "failed"]
WORDS: dict[Condition, str] = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "completed",
}


class Vertex(NamedTuple):
    """A service: what its image, ports, networks and volumes are called, and how it is; "" while it does not run."""

    name: str
    image: str
    replicas: int
    ports: tuple[str, ...]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]
    health: Health = ""


class Edge(NamedTuple):
    """`service` waits for `needs`; `required` is false when it may be missing."""

    service: str
    needs: str
    condition: Condition
    required: bool = True


class Graph(NamedTuple):
    """A stack's services in the order of their start, each behind all that it waits for."""

    stack: str
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]

    def needs(self, service: str) -> tuple[Edge, ...]:
        """What a service waits for."""
        return tuple(edge for edge in self.edges if edge.service == service)


def graph_of(stack: Stack, records: Iterable[ContainerRecord] = ()) -> Graph:
    """The graph of a stack whose files are sound, with the health of what runs of it."""
    health = _health_by_service(records)
    order = start_order(stack.services)
    return Graph(
        stack=stack.name,
        vertices=tuple(_vertex(stack.services[name], health) for name in order),
        edges=tuple(
            Edge(name, each.service, each.condition, each.required)
            for name in order
            for each in stack.services[name].depends_on
            if each.service in stack.services
        ),
        networks=tuple(
            key
            for key in stack.networks
            if any(key == each.network for service in stack.services.values() for each in service.networks)
        ),
        volumes=tuple(stack.volumes),
    )


def _vertex(service: Service, health: Mapping[str, Health]) -> Vertex:
    return Vertex(
        name=service.name,
        image=service.image or "built here",
        replicas=service.replicas,
        ports=tuple(
            f"{f'{port.host_ip}:' if port.host_ip else ''}{port.published or 'any'}->{port.target}/{port.protocol}"
            for port in service.ports
        ),
        networks=(service.network_mode,) if service.network_mode else tuple(each.network for each in service.networks),
        volumes=tuple(filter(None, map(_volume, service.mounts))),
        health=health.get(service.name, ""),
    )


def _volume(mount: Mount) -> str:
    return f"{mount.source}:{mount.target}" if mount.type == "volume" and mount.source else ""


def _health_by_service(records: Iterable[ContainerRecord]) -> dict[str, Health]:
    """The worst that a service's containers are, for the weakest tells what is wrong."""
    worst: tuple[Health, ...] = ("failed", "starting", "done", "running", "healthy")
    found: dict[str, Health] = {}
    for record in records:
        health = _health(record.state)
        if health:
            known = found.setdefault(record.spec.service, health)
            found[record.spec.service] = min(known, health, key=worst.index)
    return found


def _health(state: ContainerState) -> Health:
    match state.status:
        case "running" if state.health == "unhealthy":
            return "failed"
        case "running" if state.health in {"healthy", "starting"}:
            return "healthy" if state.health == "healthy" else "starting"
        case "running":
            return "running"
        case "restarting":
            return "starting"
        case "exited":
            return "done" if state.exit_code == 0 else "failed"
        case _:
            return ""
