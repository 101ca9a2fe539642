"""Problems as data, for editors and other programs."""

from collections.abc import Iterable, Iterator
from typing import Any

from compose.errors import FileError, Problem
from compose.nodes import Node
from compose.places import Place
from compose.reading.document import read_documents
from compose.showing.excerpts import Sources


def problem_records(problems: Iterable[Problem], severity: str) -> list[dict[str, Any]]:
    """A mapping for each problem; `end_column` is the one behind the key or value, `path` may be empty."""
    sources, paths = Sources(), _Paths()
    return [
        {
            "severity": severity,
            "code": problem.code,
            "message": problem.message,
            "hint": problem.hint,
            **_position(problem.place, sources),
            "path": paths.at(problem.place),
            "also": [_position(place, sources) for place in problem.also],
        }
        for problem in problems
    ]


def _position(place: Place, sources: Sources) -> dict[str, Any]:
    end = sources.end_column(place) if place.line else 0
    return {"file": place.file, "line": place.line, "column": place.column, "end_column": end}


class _Paths:
    """Finds what stands at a place, by reading its file once more."""

    def __init__(self) -> None:
        self._by_file: dict[str, dict[Place, str]] = {}

    def at(self, place: Place) -> str:
        """The path of the key or value that begins at a place, as in "services.web.ports[0]"."""
        if place.file not in self._by_file:
            self._by_file[place.file] = dict(self._paths(place.file))
        return self._by_file[place.file].get(place, "")

    def _paths(self, file: str) -> Iterator[tuple[Place, str]]:
        try:
            with open(file, "rb") as stream:  # noqa: PTH123 - the user's text
                roots = read_documents(stream.read(), file)
        except (OSError, ValueError, FileError):
            return
        for root in roots:
            yield from _below(root, "")


def _below(node: Node, path: str) -> Iterator[tuple[Place, str]]:
    """What stands in a node, from the outside in: the innermost of several that begin at one place comes last."""
    if path:
        yield node.place, path
    if node.key is not None:
        yield node.key, path
    for key, child in node.fields.items():
        yield from _below(child, f"{path}.{key}" if path else key)
    for index, child in enumerate(node.entries):
        yield from _below(child, f"{path}[{index}]")
