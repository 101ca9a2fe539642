"""Reads documents whose variables stay names: short forms become long ones, values keep the way they are written."""

from collections.abc import Callable

from compose.grammar.expressions import expressions
from compose.grammar.service_parts import HealthTest
from compose.grammar.shapes import Boolean, Choice, Duration, Integer, Number, Reading, Shape, Size, Text
from compose.grammar.special_shapes import Count, ExtraHosts, Mode
from compose.grammar.structures import Assignments, Command, Later, ListOf, Maybe, Spread
from compose.grammar.vocabulary import Limit
from compose.nodes import Node

_VALUES = (
    Assignments,
    Boolean,
    Choice,
    Command,
    Count,
    Duration,
    ExtraHosts,
    HealthTest,
    Integer,
    Limit,
    Mode,
    Number,
    Size,
    Text,
)
_OF_TEXTS = (Assignments, Command, ExtraHosts, HealthTest, Limit, Spread)
_OPEN, _CLOSE = "\ue000", "\ue001"  # of the private use area: no mark of any syntax


class Hiding:
    """Puts stand-ins in the place of variables, whose own colons and braces would confuse the short forms."""

    def __init__(self) -> None:
        self._hidden: list[str] = []

    def hidden(self, node: Node) -> Node:
        """A document with a stand-in for each variable."""
        if isinstance(node.value, str):
            return node.with_value(self._text(node.value)) if "$" in node.value or _OPEN in node.value else node
        return _mapped(node, self.hidden)

    def shown(self, node: Node) -> Node:
        """A document with the variables back in their places."""
        if isinstance(node.value, str):
            return node.with_value(self.shown_text(node.value)) if _OPEN in node.value else node
        return _mapped(node, self.shown)

    def shown_text(self, text: str) -> str:
        """A text with the variables back in their places."""
        pieces = text.split(_OPEN)
        for index, piece in enumerate(pieces[1:], 1):
            number, _, rest = piece.partition(_CLOSE)
            pieces[index] = self._hidden[int(number)] + rest
        return "".join(pieces)

    def _text(self, text: str) -> str:
        pieces: list[str] = []
        end = 0
        for each in expressions(text):
            pieces += (self._plain(text[end : each.start]), self._stand_in(text[each.start : each.end]))
            end = each.end
        return "".join((*pieces, self._plain(text[end:])))

    def _plain(self, text: str) -> str:
        """Text between variables; a mark of ours that stands in it becomes a stand-in of itself."""
        return self._stand_in(_OPEN).join(text.split(_OPEN)) if _OPEN in text else text

    def _stand_in(self, text: str) -> str:
        self._hidden.append(text)
        return f"{_OPEN}{len(self._hidden) - 1}{_CLOSE}"


class WrittenReading(Reading):
    """Checks what can be checked while variables are stand-ins, and changes no value."""

    def attempt(self, shape: Shape, node: Node, path: str) -> Node | None:
        """The node with short forms inside of it made long ones; None when it is wrong."""
        while isinstance(shape, (Later, Maybe)):
            if isinstance(shape, Maybe) and node.value is None:
                return node
            shape = shape.shape
        text = isinstance(node.value, str)
        alone = text and isinstance(shape, ListOf) and isinstance(shape.entry, Text)
        value = alone or isinstance(shape, _VALUES)
        if value and text and _has_stand_in(node):
            return node
        count = len(self.problems)
        read = super().attempt(shape, node, path)
        if len(self.problems) > count and isinstance(shape, _OF_TEXTS) and _has_stand_in(node):
            del self.problems[count:]  # with the variables' values it may well be right
            return node
        return node if value and read is not None else read


def _mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    if isinstance(node.value, dict):
        return node.with_value({key: change(child) for key, child in node.value.items()})
    if type(node.value) is tuple:
        return node.with_value(tuple(change(child) for child in node.value))
    return node


def _has_stand_in(node: Node) -> bool:
    if isinstance(node.value, str):
        return _OPEN in node.value
    return any(map(_has_stand_in, (*node.fields.values(), *node.entries)))
