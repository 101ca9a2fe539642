"""Draws a graph as a tree of text."""

from collections.abc import Iterator

from compose.showing.graphs.model import WORDS, Edge, Graph, Vertex


def graph_text(graph: Graph) -> str:
    """Trees of those that nobody waits for, with what they wait for below; then order, networks and volumes."""
    vertices = {vertex.name: vertex for vertex in graph.vertices}
    needed = {edge.needs for edge in graph.edges}
    shown: set[str] = set()
    lines = [f"Stack {graph.stack}:"]
    for vertex in reversed(graph.vertices):
        if vertex.name not in needed:
            lines.append(_label(vertex))
            shown.add(vertex.name)
            lines += _below(graph, vertex.name, vertices, shown, "")
    if graph.vertices:
        lines += ["", "Order:", *(f"  {number}. {', '.join(names)}" for number, names in enumerate(_waves(graph), 1))]
    for title, keys, words in (
        ("Networks", graph.networks, lambda vertex: vertex.networks),
        ("Volumes", graph.volumes, lambda vertex: tuple(each.partition(":")[0] for each in vertex.volumes)),
    ):
        if keys:
            lines += ["", f"{title}:"]
        for key in keys:
            users = ", ".join(vertex.name for vertex in graph.vertices if key in words(vertex)) or "nobody"
            lines.append(f"  {key}: {users}")
    return "".join(f"{line}\n" for line in lines)


def _below(graph: Graph, name: str, vertices: dict[str, Vertex], shown: set[str], indent: str) -> Iterator[str]:
    edges = graph.needs(name)
    for index, edge in enumerate(edges):
        last = index == len(edges) - 1
        known = edge.needs in shown and bool(graph.needs(edge.needs))
        label = _label(vertices[edge.needs], short=edge.needs in shown)
        yield f"{indent}{'└─ ' if last else '├─ '}{_waits(edge)}{label}{' ...' if known else ''}"
        shown.add(edge.needs)
        if not known:
            yield from _below(graph, edge.needs, vertices, shown, f"{indent}{'   ' if last else '│  '}")


def _waits(edge: Edge) -> str:
    return f"({WORDS[edge.condition]}{'' if edge.required else ', if there'}) "


def _label(vertex: Vertex, *, short: bool = False) -> str:
    parts = [vertex.name]
    if not short:
        parts[0] += f" x{vertex.replicas}" if vertex.replicas != 1 else ""
        parts += [f"[{vertex.health}]"] if vertex.health else []
        parts += [vertex.image, *vertex.ports]
    return "  ".join(parts)


def _waves(graph: Graph) -> list[list[str]]:
    """The services by how many others have to come first, one behind the other."""
    from compose.showing.graphs.layout import depths  # noqa: PLC0415 - the same counting as in pictures

    waves: dict[int, list[str]] = {}
    for name, depth in depths(graph).items():
        waves.setdefault(depth, []).append(name)
    return [waves[depth] for depth in sorted(waves)]
