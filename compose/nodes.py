"""A document's values, each with its place."""

import math
from typing import TypeAlias

import msgspec

from compose.places import Place


class Timestamp(msgspec.Struct, frozen=True, gc=False):
    """An unquoted date or time: YAML makes it neither text nor number, and no Compose key wants it."""

    text: str


Scalar: TypeAlias = bool | int | float | str | Timestamp | None
Value: TypeAlias = "Scalar | tuple[Node, ...] | dict[str, Node]"


class Node(msgspec.Struct, frozen=True, gc=False):
    """One value, where it stands, and where its key stands if a mapping holds it.

    `tag` is "", "!reset" (remove what lies below) or "!override" (replace it). Nodes are never changed: a mapping
    inside one belongs to it.
    """

    value: Value
    place: Place
    key: Place | None = None
    tag: str = ""

    def with_value(self, value: Value) -> "Node":
        """Another value in the same place."""
        return Node(value, self.place, self.key, self.tag)

    @property
    def fields(self) -> "dict[str, Node]":
        """The mapping's entries; none if this is no mapping."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def entries(self) -> "tuple[Node, ...]":
        """The list's entries; none if this is no list."""
        return self.value if type(self.value) is tuple else ()


def kind(node: Node) -> str:
    """What a value is called in messages."""
    value = node.value
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "a mapping"
    return "a date" if isinstance(value, Timestamp) else "a list"


def plain(node: Node) -> object:
    """The value without places, as JSON knows it."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, Timestamp):
        return value.text
    if isinstance(value, tuple):
        return [plain(child) for child in value]
    return value


def number_text(value: bool | float) -> str:
    """A boolean or number as Compose writes it where text is wanted: 1.1, 3, 1e+06."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return repr(value).removesuffix(".0")
    return next(text for digits in range(18) if float(text := f"{value:.{digits}e}") == value)
