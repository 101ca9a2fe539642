"""Knows who waits for whom: the order of a stack's services, and its cycles (the one door of the graph library)."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from compose.model import Service


def start_order(services: Mapping[str, Service]) -> tuple[str, ...]:
    """The services' names, each behind those that it depends on; raises graphlib.CycleError."""
    graph = {
        name: [each.service for each in service.depends_on if each.service in services]
        for name, service in services.items()
    }
    return tuple(TopologicalSorter(graph).static_order())


def has_cycle(services: Mapping[str, Service]) -> bool:
    """Whether some service depends on itself, through others or directly."""
    try:
        start_order(services)
    except CycleError:
        return True
    return False


def cycles(services: Mapping[str, Service]) -> tuple[tuple[str, ...], ...]:
    """One shortest cycle for each group of services that depend on each other; the first name is not repeated."""
    import networkx as nx  # noqa: PLC0415 - 100 ms that only the explanation of a mistake is worth

    graph: nx.DiGraph[str] = nx.DiGraph(
        [(name, each.service) for name, service in services.items() for each in service.depends_on]
    )
    found: list[tuple[str, ...]] = []
    for component in nx.strongly_connected_components(graph):
        if len(component) == 1 and not graph.has_edge(*component, *component):
            continue
        part = graph.subgraph(component)
        start = min(component, key=list(services).index)
        ways = (nx.shortest_path(part, after, start) for after in part.successors(start))
        found.append((start, *min(ways, key=lambda way: (len(way), way))[:-1]))
    return tuple(sorted(found, key=lambda cycle: list(services).index(cycle[0])))
