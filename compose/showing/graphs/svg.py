"""Draws a graph as a picture: SVG without scripts, fonts or anything else from outside."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple
from xml.sax.saxutils import escape

from compose.model import Condition
from compose.showing.graphs.layout import Layout, layout
from compose.showing.graphs.markup import FILLS
from compose.showing.graphs.model import WORDS, Edge, Graph, Health, Vertex

_STROKES: dict[Health, str] = {
    "": "#9aa3b2",
    "healthy": "#2f9e58",
    "running": "#3b82c4",
    "starting": "#c99a1b",
    "done": "#7a7a99",
    "failed": "#cc3b3b",
}
_LINES: dict[Condition, str] = {
    "service_started": "#7b8494",
    "service_healthy": "#2f9e58",
    "service_completed_successfully": "#7c5cc4",
}
_NETWORK_COLORS = ("#0f766e", "#b45309", "#6d28d9", "#be185d", "#1d4ed8", "#4d7c0f", "#9f1239", "#0369a1")
_FONT = "font-family='system-ui, sans-serif'"
_MARGIN, _GAP_X, _GAP_Y = 24, 36, 64
_NAME_HEIGHT, _LINE_HEIGHT, _CHIP_HEIGHT, _PADDING = 20, 16, 18, 10
_LETTER = 6.4  # of text in 11 px, on average
_NARROWEST, _WIDEST = 150, 300


class _Box(NamedTuple):
    """A service's box in pixels, and what is written in it."""

    vertex: Vertex
    left: float
    top: float
    width: float
    height: float
    lines: tuple[str, ...]
    chips: tuple[tuple[str, ...], ...]

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


def graph_svg(graph: Graph) -> str:
    """The whole picture. A stack without services is an empty one with its name."""
    found = layout(graph)
    width = _box_width(graph)
    boxes = _boxes(graph, found, width)
    bottom = max((box.top + box.height for box in boxes.values()), default=_MARGIN * 2.5)
    legend = list(_legend(graph, bottom + 32))
    right = max([*(box.left + box.width for box in boxes.values()), 420]) + _MARGIN
    height = bottom + 32 + 20 * len(legend) + _MARGIN / 2
    body = [
        f"<title>{_text(graph.stack)}</title>",
        f"<rect width='{right:.0f}' height='{height:.0f}' fill='#ffffff'/>",
        (
            f"<text x='{_MARGIN}' y='{_MARGIN + 8}' font-size='16' font-weight='600' fill='#1f2937'>"
            f"{_text(graph.stack)}</text>"
        ),
        *_edges(graph, found, boxes, width),
        *(part for box in boxes.values() for part in _drawn(box, graph)),
        *legend,
    ]
    size = f"width='{right:.0f}' height='{height:.0f}' viewBox='0 0 {right:.0f} {height:.0f}'"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' {size} {_FONT}>\n"
        + "".join(f"{part}\n" for part in body)
        + "</svg>\n"
    )


def _box_width(graph: Graph) -> float:
    longest = max((len(line) for vertex in graph.vertices for line in (vertex.name, *_written(vertex))), default=0)
    return min(max(longest * _LETTER + 2 * _PADDING, _NARROWEST), _WIDEST)


def _written(vertex: Vertex) -> tuple[str, ...]:
    return (
        vertex.image,
        *(f"\N{RIGHTWARDS ARROW} {port.replace('->', ' : ')}" for port in vertex.ports),
        *vertex.volumes,
    )


def _boxes(graph: Graph, found: Layout, width: float) -> dict[str, _Box]:
    rows: dict[int, list[Vertex]] = {}
    for vertex in graph.vertices:
        rows.setdefault(found.spots[vertex.name].layer, []).append(vertex)
    boxes: dict[str, _Box] = {}
    top: float = _MARGIN + 28
    for layer in sorted(rows):
        made = [_box(vertex, found.spots[vertex.name].x, top, width) for vertex in rows[layer]]
        boxes.update({box.vertex.name: box for box in made})
        top += max(box.height for box in made) + _GAP_Y
    return boxes


def _box(vertex: Vertex, x: float, top: float, width: float) -> _Box:
    fitting = int((width - 2 * _PADDING) / _LETTER)
    lines = tuple(_cut(line, fitting) for line in _written(vertex))
    chips = tuple(_chip_rows(vertex.networks, width - 2 * _PADDING))
    height = _PADDING * 1.5 + _NAME_HEIGHT + _LINE_HEIGHT * len(lines) + _CHIP_HEIGHT * len(chips)
    return _Box(vertex, _MARGIN + x * (width + _GAP_X), top, width, height, lines, chips)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _chip_rows(names: tuple[str, ...], room: float) -> Iterator[tuple[str, ...]]:
    row: list[str] = []
    for name in names:
        if row and sum(map(_chip_width, (*row, name))) > room:
            yield tuple(row)
            row = []
        row.append(name)
    if row:
        yield tuple(row)


def _chip_width(name: str) -> float:
    return len(name) * 5.8 + 18


def _drawn(box: _Box, graph: Graph) -> Iterator[str]:
    vertex = box.vertex
    fill, stroke = FILLS[vertex.health], _STROKES[vertex.health]
    where = f"x='{box.left:.1f}' y='{box.top:.1f}' width='{box.width:.1f}' height='{box.height:.1f}'"
    if vertex.replicas > 1:
        behind = f"x='{box.left + 5:.1f}' y='{box.top - 5:.1f}' width='{box.width:.1f}' height='{box.height:.1f}'"
        yield f"<rect {behind} rx='8' fill='{fill}' stroke='{stroke}'/>"
    yield f"<rect {where} rx='8' fill='{fill}' stroke='{stroke}' stroke-width='1.5'/>"
    left, y = box.left + _PADDING, box.top + _PADDING + 10
    times = (
        f"<tspan dx='6' font-weight='400' fill='#6b7280'>\N{MULTIPLICATION SIGN}{vertex.replicas}</tspan>"
        if vertex.replicas != 1
        else ""
    )
    name = _text(_cut(vertex.name, int((box.width - 2 * _PADDING) / 7.4)))
    yield f"<text x='{left:.1f}' y='{y:.1f}' font-size='13' font-weight='600' fill='#111827'>{name}{times}</text>"
    y += _NAME_HEIGHT - 3
    for line in box.lines:
        yield f"<text x='{left:.1f}' y='{y:.1f}' font-size='11' fill='#4b5563'>{_text(line)}</text>"
        y += _LINE_HEIGHT
    y -= 4
    for row in box.chips:
        x = left
        for chip in row:
            color = _color(chip, graph)
            yield f"<circle cx='{x + 5:.1f}' cy='{y + 1:.1f}' r='4' fill='{color}'/>"
            yield f"<text x='{x + 13:.1f}' y='{y + 5:.1f}' font-size='10' fill='{color}'>{_text(chip)}</text>"
            x += _chip_width(chip)
        y += _CHIP_HEIGHT


def _color(network: str, graph: Graph) -> str:
    known = graph.networks
    return _NETWORK_COLORS[known.index(network) % len(_NETWORK_COLORS)] if network in known else "#6b7280"


def _edges(graph: Graph, found: Layout, boxes: dict[str, _Box], width: float) -> Iterator[str]:
    for condition in dict.fromkeys(edge.condition for edge in graph.edges):
        yield (
            f"<marker id='{condition}' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='8' markerHeight='8'"
            f" orient='auto'><path d='M0,0 L8,4 L0,8 z' fill='{_LINES[condition]}'/></marker>"
        )
    for edge in graph.edges:
        upper, lower = boxes[edge.service], boxes[edge.needs]
        stations = found.lines[edge.service, edge.needs]
        begin = (_port(edge, graph, found, upper, down=True), upper.top + upper.height)
        end = (_port(edge, graph, found, lower, down=False), lower.top - 3)
        points = [begin]
        for spot in stations[1:-1]:
            row = [box for box in boxes.values() if found.spots[box.vertex.name].layer == spot.layer]
            x = _MARGIN + spot.x * (width + _GAP_X) + width / 2
            points += [(x, row[0].top - 12), (x, max(box.top + box.height for box in row) + 6)]
        points.append(end)
        path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
        for index, ((x, y), (to_x, to_y)) in enumerate(pairwise(points)):
            middle = (y + to_y) / 2
            path += (
                f" L{to_x:.1f},{to_y:.1f}"
                if index % 2
                else f" C{x:.1f},{middle:.1f} {to_x:.1f},{middle:.1f} {to_x:.1f},{to_y:.1f}"
            )
        dashes = "" if edge.required else " stroke-dasharray='5 4'"
        yield (
            f"<path d='{path}' fill='none' stroke='{_LINES[edge.condition]}' stroke-width='1.5'{dashes}"
            f" marker-end='url(#{edge.condition})'><title>{_text(_said(edge))}</title></path>"
        )


def _port(edge: Edge, graph: Graph, found: Layout, box: _Box, *, down: bool) -> float:
    """Where an edge leaves or meets a box: side by side with the others, in the order of where they go."""
    others = [each for each in graph.edges if (each.service if down else each.needs) == box.vertex.name]
    step = 1 if down else -2

    def aim(each: Edge) -> float:
        return found.lines[each.service, each.needs][step].x

    others.sort(key=aim)
    spread = min(box.width - 40, 22.0 * (len(others) - 1))
    place = others.index(edge) / (len(others) - 1) if len(others) > 1 else 0.5
    return box.middle - spread / 2 + spread * place


def _said(edge: Edge) -> str:
    return f"{edge.service} waits until {edge.needs} is {WORDS[edge.condition]}"


def _legend(graph: Graph, top: float) -> Iterator[str]:
    """One line a kind: how lines are meant, how boxes are, which networks there are."""
    y = top
    conditions = list(dict.fromkeys(edge.condition for edge in graph.edges))
    if conditions:
        words = [(f"waits until {WORDS[condition]}", _LINES[condition]) for condition in conditions]
        yield _legend_row("lines:", words, y, line=True)
        y += 20
    states = list(dict.fromkeys(vertex.health for vertex in graph.vertices if vertex.health))
    if states:
        yield _legend_row("boxes:", [(state, _STROKES[state]) for state in states], y)
        y += 20
    if graph.networks:
        yield _legend_row("networks:", [(name, _color(name, graph)) for name in graph.networks], y)


def _legend_row(title: str, words: list[tuple[str, str]], y: float, *, line: bool = False) -> str:
    parts = [f"<text x='{_MARGIN}' y='{y:.1f}' font-size='11' fill='#6b7280'>{title}</text>"]
    x = _MARGIN + 62.0
    for word, color in words:
        mark = (
            f"<path d='M{x:.1f},{y - 4:.1f} h20' stroke='{color}' stroke-width='2'/>"
            if line
            else f"<circle cx='{x + 5:.1f}' cy='{y - 4:.1f}' r='5' fill='{color}'/>"
        )
        start = x + (26 if line else 15)
        parts.append(f"{mark}<text x='{start:.1f}' y='{y:.1f}' font-size='11' fill='#374151'>{_text(word)}</text>")
        x = start + len(word) * _LETTER + 18
    return "".join(parts)


def _text(text: str) -> str:
    return escape("".join(each if each.isprintable() else " " for each in text), {"'": "&#39;"})
