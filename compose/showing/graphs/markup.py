"""Writes a graph in the languages of other programs that draw: mermaid and dot."""

from compose.showing.graphs.model import WORDS, Graph, Health, Vertex

FILLS: dict[Health, str] = {
    "": "#f4f5f7",
    "healthy": "#d3f2dc",
    "running": "#dcebfa",
    "starting": "#fdf0c8",
    "done": "#e6e6ef",
    "failed": "#fad7d7",
}
"""The colour of a box by how the service is."""


def graph_mermaid(graph: Graph) -> str:
    """A flow chart as mermaid draws it (in Markdown: ```mermaid)."""
    names = {vertex.name: f"s{index}" for index, vertex in enumerate(graph.vertices)}
    lines = ["flowchart TD"]
    for vertex in graph.vertices:
        label = "<br>".join(map(_mermaid_text, _lines(vertex)))
        lines.append(f'    {names[vertex.name]}["{label}"]')
    for edge in graph.edges:
        arrow = "-->" if edge.required else "-.->"
        lines.append(f"    {names[edge.service]} {arrow}|{WORDS[edge.condition]}| {names[edge.needs]}")
    for health in dict.fromkeys(vertex.health for vertex in graph.vertices if vertex.health):
        members = ",".join(names[vertex.name] for vertex in graph.vertices if vertex.health == health)
        lines += [f"    classDef {health} fill:{FILLS[health]}", f"    class {members} {health}"]
    return "".join(f"{line}\n" for line in lines)


def graph_dot(graph: Graph) -> str:
    """A digraph as Graphviz draws it."""
    lines = [
        f"digraph {_dot_text(graph.stack)} {{",
        "    rankdir=TB;",
        '    node [shape=box, style="rounded,filled", fontname="sans-serif"];',
        '    edge [fontname="sans-serif", fontsize=10];',
    ]
    for vertex in graph.vertices:
        label = _dot_text("\n".join(_lines(vertex)))
        lines.append(f'    {_dot_text(vertex.name)} [label={label}, fillcolor="{FILLS[vertex.health]}"];')
    for edge in graph.edges:
        style = "" if edge.required else ", style=dashed"
        ends = f"{_dot_text(edge.service)} -> {_dot_text(edge.needs)}"
        lines.append(f"    {ends} [label={_dot_text(WORDS[edge.condition])}{style}];")
    return "".join(f"{line}\n" for line in (*lines, "}"))


def _lines(vertex: Vertex) -> list[str]:
    times = f" x{vertex.replicas}" if vertex.replicas != 1 else ""
    lines = [f"{vertex.name}{times}", vertex.image, *vertex.ports, *vertex.volumes]
    return [*lines, f"networks: {', '.join(vertex.networks)}"] if vertex.networks else lines


def _mermaid_text(text: str) -> str:
    """Text between quotes, where # begins a character's number."""
    return "".join(f"#{ord(mark)};" if mark in '"#<>&' else mark for mark in text)


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
