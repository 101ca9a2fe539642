"""Finds where a value of the merged document stands, by its path."""

from collections.abc import Iterator, Mapping

from compose.model import Path
from compose.nodes import Node
from compose.places import Place


class Places(Mapping[Path, Place]):
    """Places by path; walks the document when asked, so that reading a file does not have to write them all down.

    A mapping or list stands where its key does.
    """

    def __init__(self, document: Node) -> None:
        self._document = document

    def __getitem__(self, path: Path) -> Place:
        node = self._document
        for step in path:
            child = node.fields.get(step) if isinstance(step, str) else _entry(node, step)
            if child is None:
                raise KeyError(path)
            node = child
        return node.key if node.key and (node.value is None or isinstance(node.value, (dict, tuple))) else node.place

    def __iter__(self) -> Iterator[Path]:
        return _paths(self._document, ())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _entry(node: Node, index: int) -> Node | None:
    return node.entries[index] if 0 <= index < len(node.entries) else None


def _paths(node: Node, path: Path) -> Iterator[Path]:
    yield path
    for key, child in node.fields.items():
        yield from _paths(child, (*path, key))
    for index, child in enumerate(node.entries):
        yield from _paths(child, (*path, index))
