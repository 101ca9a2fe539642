"""Decides where the services of a graph stand in a picture: in layers, with few crossings and short lines.

The way of Sugiyama, Tagawa and Toda: a layer for each step of the longest way, invisible stations where a line passes a
layer, orders within layers by the middle of their neighbours, then places by the same.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from compose.showing.graphs.model import Graph

_SWEEPS = 12


class Spot(NamedTuple):
    """The centre of a box: its place in its layer from the left, and the layer, 0 being the top."""

    x: float
    layer: int


class Layout(NamedTuple):
    """Where services stand, in units of boxes, and through which spots the line of each edge leads."""

    spots: Mapping[str, Spot]
    lines: Mapping[tuple[str, str], tuple[Spot, ...]]
    width: float
    layers: int


_Station = tuple[str, ...]  # a service's name, or an edge's two and the layer that it passes


def depths(graph: Graph) -> dict[str, int]:
    """How many services have to come before each, one behind the other."""
    found: dict[str, int] = {}
    for vertex in graph.vertices:
        found[vertex.name] = max((found[edge.needs] + 1 for edge in graph.needs(vertex.name)), default=0)
    return found


def layout(graph: Graph) -> Layout:
    """Dependants above, what they wait for below."""
    depth = depths(graph)
    layers = max(depth.values(), default=-1) + 1
    rows: list[list[_Station]] = [[] for _ in range(layers)]
    tied = {name for edge in graph.edges for name in (edge.service, edge.needs)}
    for name, level in depth.items():
        if name in tied:
            rows[layers - 1 - level].append((name,))
    ways = {(edge.service, edge.needs): _way(edge.service, edge.needs, depth, layers) for edge in graph.edges}
    for way in ways.values():
        for row, station in way[1:-1]:
            rows[row].append(station)
    above, below = _neighbours(ways)
    _order(rows, above, below)
    xs = _places(rows, above, below)
    for name in depth:
        if name not in tied:  # nothing draws it anywhere: it stands at the end of the lowest row
            xs[name,] = max((xs[station] + 1 for station in rows[-1]), default=0)
            rows[-1].append((name,))
    spots = {station: Spot(xs[station], row) for row, stations in enumerate(rows) for station in stations}
    return Layout(
        spots={station[0]: spot for station, spot in spots.items() if len(station) == 1},
        lines={edge: tuple(spots[station] for _, station in way) for edge, way in ways.items()},
        width=max(xs.values(), default=0) + 1,
        layers=layers,
    )


def _way(service: str, needs: str, depth: Mapping[str, int], layers: int) -> list[tuple[int, _Station]]:
    first, last = layers - 1 - depth[service], layers - 1 - depth[needs]
    between: list[tuple[int, _Station]] = [(row, (service, needs, str(row))) for row in range(first + 1, last)]
    return [(first, (service,)), *between, (last, (needs,))]


_Neighbours = dict[_Station, list[_Station]]


def _neighbours(ways: Mapping[tuple[str, str], list[tuple[int, _Station]]]) -> tuple[_Neighbours, _Neighbours]:
    above: _Neighbours = {}
    below: _Neighbours = {}
    for way in ways.values():
        for (_, upper), (_, lower) in pairwise(way):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    return above, below


def _order(rows: list[list[_Station]], above: _Neighbours, below: _Neighbours) -> None:
    """Sorts each row by the middle of its neighbours, down and up in turns; keeps the order with fewest crossings."""
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(_SWEEPS):
        neighbours, order = (above, range(len(rows))) if sweep % 2 == 0 else (below, range(len(rows) - 1, -1, -1))
        for index in order:
            beside = index - 1 if sweep % 2 == 0 else index + 1
            if 0 <= beside < len(rows):
                position = {station: place for place, station in enumerate(rows[beside])}
                present = {station: place for place, station in enumerate(rows[index])}
                rows[index].sort(
                    key=lambda each: _middle([position[n] for n in neighbours.get(each, ())], present[each])
                )
        count = _crossings(rows, below)
        if count < fewest:
            best, fewest = [list(row) for row in rows], count
    rows[:] = best


def _middle(places: list[int], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _crossings(rows: list[list[_Station]], below: _Neighbours) -> int:
    total = 0
    for upper, lower in pairwise(rows):
        position = {station: place for place, station in enumerate(lower)}
        ends = [sorted(position[each] for each in below.get(station, ())) for station in upper]
        flat = [end for group in ends for end in group]
        total += sum(1 for index, end in enumerate(flat) for earlier in flat[:index] if earlier > end)
    return total


def _places(rows: list[list[_Station]], above: _Neighbours, below: _Neighbours) -> dict[_Station, float]:
    """Places in rows: near the middle of the neighbours, in the row's order, a box's width apart."""
    xs = {station: float(place) for row in rows for place, station in enumerate(row)}
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            neighbours = above if sweep % 2 == 0 else below
            wanted = [_mean([xs[each] for each in neighbours.get(station, ())], xs[station]) for station in row]
            xs.update(zip(row, _apart(wanted, [_gap(*pair) for pair in pairwise(row)]), strict=True))
    return _without_gaps(xs)


def _without_gaps(xs: dict[_Station, float]) -> dict[_Station, float]:
    """The same places from 0 on, without strips wider than a box in which nothing stands: parts drift apart."""
    order = sorted(set(xs.values()))
    moved = {order[0]: 0.0} if order else {}
    for left, right in pairwise(order):
        moved[right] = moved[left] + min(right - left, 1.0)
    return {station: moved[x] for station, x in xs.items()}


def _mean(places: list[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _gap(one: _Station, two: _Station) -> float:
    """How far two neighbours in a row stand apart at least; lines need less room than boxes."""
    return 1.0 if len(one) == len(two) == 1 else 0.35 if len(one) > 1 and len(two) > 1 else 0.65


def _apart(wanted: list[float], gaps: list[float]) -> list[float]:
    """Places as near to the wanted ones as the gaps allow: the mean of pushing right and pushing left."""
    right = list(wanted)
    for index in range(1, len(right)):
        right[index] = max(right[index], right[index - 1] + gaps[index - 1])
    left = list(wanted)
    for index in range(len(left) - 2, -1, -1):
        left[index] = min(left[index], left[index + 1] - gaps[index])
    return [(one + two) / 2 for one, two in zip(right, left, strict=True)]
