"""Finds the variables in a text: $NAME, ${NAME} and ${NAME<operator>text}, without putting anything in their place."""

from collections.abc import Iterator
from typing import NamedTuple

from compose.nodes import Node
from compose.places import Place

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_NAME = _LETTERS | frozenset("0123456789")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")


class Expression(NamedTuple):
    """One variable in a text, from `start` to `end`; `rest` is what stands behind the operator."""

    start: int
    end: int
    name: str
    operator: str = ""
    rest: str = ""


class Variable(NamedTuple):
    """What a file says of a variable: where it stands first, its default, the text in its place when it is set."""

    name: str
    place: Place
    default: str = ""
    alternate: str = ""
    required: bool = False


def expressions(text: str) -> Iterator[Expression]:
    """The outermost variables of a text; what is no valid one is passed over."""
    at = text.find("$")
    while 0 <= at < len(text) - 1:
        found = _expression(text, at)
        if found is not None:
            yield found
        at = text.find("$", found.end if found else at + 2 if text[at + 1] == "$" else at + 1)


def _expression(text: str, at: int) -> Expression | None:
    braces = text[at + 1] == "{"
    start = end = at + 1 + braces
    while end < len(text) and text[end] in _NAME:
        end += 1
    name = text[start:end]
    if not name or name[0] not in _LETTERS:
        return None
    if not braces:
        return Expression(at, end, name)
    close = _closing(text, end)
    if close < 0:
        return None
    operator = next((each for each in _OPERATORS if text.startswith(each, end)), "")
    return Expression(at, close + 1, name, operator, text[end + len(operator) : close])


def _closing(text: str, at: int) -> int:
    """The position of the brace that closes one that was opened before `at`; -1 when there is none."""
    depth = 1
    while at < len(text):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at
        at += 1
    return -1


def variables_of(node: Node) -> dict[str, Variable]:
    """The variables of a document by their names, those inside of defaults as well.

    Where one stands several times, the first default and the first alternate text count.
    """
    found: dict[str, Variable] = {}
    for child in _texts(node):
        _gather(str(child.value), child.place, found)
    return found


def _texts(node: Node) -> Iterator[Node]:
    if isinstance(node.value, str):
        yield node
    for child in (*node.fields.values(), *node.entries):
        yield from _texts(child)


def _gather(text: str, place: Place, found: dict[str, Variable]) -> None:
    for each in expressions(text):
        known = found.get(each.name) or Variable(each.name, place, required=each.operator.endswith("?"))
        if each.operator.endswith("-"):
            known = known._replace(default=known.default or each.rest)
        if each.operator.endswith("+"):
            known = known._replace(alternate=known.alternate or each.rest)
        found[each.name] = known
        _gather(each.rest, place, found)
