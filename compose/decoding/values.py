"""Reads plain values out of the mappings of a normal document."""

from collections.abc import Mapping
from typing import Any

from compose.grammar.quantities import duration_nanoseconds
from compose.nodes import Node, number_text

NOTHING: Any = Node({}, place=None)  # type: ignore[arg-type]  # it has no content to blame


def text(fields: Mapping[str, Node], key: str) -> str:
    """The text of a key; empty when it is missing. Numbers are written as the file's reader understood them."""
    node = fields.get(key)
    if node is None or node.value is None:
        return ""
    return number_text(node.value) if isinstance(node.value, (int, float)) else str(node.value)


def number(fields: Mapping[str, Node], key: str) -> float | None:
    """The number of a key; None when it is missing."""
    node = fields.get(key)
    return node.value if node is not None and isinstance(node.value, (int, float)) else None


def flag(fields: Mapping[str, Node], key: str) -> bool:
    """Whether a key is true; a missing one is not."""
    node = fields.get(key)
    return node is not None and node.value is True


def words(node: Node | None) -> tuple[str, ...] | None:
    """The texts of a list; None when it is missing or empty (null)."""
    if node is None or node.value is None:
        return None
    return tuple(str(entry.value) for entry in node.entries)


def texts(node: Node | None) -> dict[str, str]:
    """The texts of a mapping; entries without value are left out."""
    if node is None:
        return {}
    return {name: str(child.value) for name, child in node.fields.items() if child.value is not None}


def seconds(fields: Mapping[str, Node], key: str) -> float | None:
    """The duration of a key; None when it is missing."""
    written = text(fields, key)
    return duration_nanoseconds(written) / 1e9 if written else None
