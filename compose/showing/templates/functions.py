"""The functions that a template may call, and how a value is printed."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from compose.errors import UsageError


class Record(dict[str, Any]):
    """Fields by name, as one thing of a list has them; to ask for another one is a mistake.

    `methods` are called with what stands after their names (`.Label "x"`).
    """

    def __init__(self, fields: Mapping[str, Any], methods: Mapping[str, Callable[..., Any]] | None = None) -> None:
        super().__init__(fields)
        self.methods = methods or {}


def printed(value: object) -> str:
    """A value as Go prints it."""
    match value:
        case None:
            return "<no value>"
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case Mapping():
            return "map[" + " ".join(f"{key}:{printed(each)}" for key, each in sorted(value.items())) + "]"
        case list() | tuple():
            return "[" + " ".join(printed(each) for each in value) + "]"
        case _:
            return str(value)


def is_true(value: object) -> bool:
    """Whether a value is not empty: not false, 0, nil, nor without anything in it."""
    return bool(value)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _print(*values: object) -> str:
    """Go's Print: a space between two values of which neither is a text."""
    text = ""
    for number, value in enumerate(values):
        if number and not isinstance(value, str) and not isinstance(values[number - 1], str):
            text += " "
        text += printed(value)
    return text


def _println(*values: object) -> str:
    return " ".join(printed(value) for value in values) + "\n"


def _printf(pattern: str, *values: object) -> str:
    left = list(values)

    def one(found: re.Match[str]) -> str:
        flags, verb = found[1], found[2]
        if verb == "%":
            return "%"
        if not left:
            return f"%!{verb}(MISSING)"
        value = left.pop(0)
        if verb in "sv":
            return f"%{flags}s" % printed(value)
        if verb == "q":
            return f"%{flags}s" % json.dumps(printed(value), ensure_ascii=False)
        if verb == "t":
            return printed(value)
        try:
            return f"%{flags}{verb}" % value
        except TypeError:
            return f"%!{verb}({printed(value)})"

    return re.sub(r"%([-+# 0]*\d*(?:\.\d+)?)([a-zA-Z%])", one, pattern)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key, "")
            continue
        if not 0 <= key < len(value):
            raise IndexError(f"index {key} is out of range: there are {len(value)}")
        value = value[key]
    return value


def _slice(value: Sequence[Any], begin: int = 0, end: int | None = None) -> Sequence[Any]:
    return value[begin:end]


def _pad(text: str, before: int, after: int) -> str:
    return f"{' ' * before}{text}{' ' * after}" if text else text


def _join(values: Sequence[object], between: str) -> str:
    return between.join(printed(value) for value in values)


def _equal(first: object, *others: object) -> bool:
    return any(first == other for other in others)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "eq": _equal,
    "ge": lambda one, other: one >= other,
    "gt": lambda one, other: one > other,
    "index": _index,
    "join": _join,
    "json": _json,
    "le": lambda one, other: one <= other,
    "len": len,
    "lower": str.lower,
    "lt": lambda one, other: one < other,
    "ne": lambda one, other: one != other,
    "not": lambda value: not is_true(value),
    "pad": _pad,
    "print": _print,
    "printf": _printf,
    "println": _println,
    "slice": _slice,
    "split": lambda text, at: text.split(at),
    "title": lambda text: re.sub(r"(^|\s)(\w)", lambda found: found[1] + found[2].upper(), text),
    "truncate": lambda text, length: text[:length],
    "upper": str.upper,
}
HEADER_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **FUNCTIONS,
    **dict.fromkeys(("join", "json", "lower", "split", "title", "truncate", "upper"), lambda header, *_: header),
}
"""For the line above a table: what changes a value leaves a column's name alone."""


def function(name: str, known: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """The function of that name; UsageError for none."""
    if name not in known:
        from compose.spelling import did_you_mean  # noqa: PLC0415 - only for mistakes

        hint = did_you_mean(name, known) or f"there are: and, or, {', '.join(sorted(known))}"
        raise UsageError(f"--format: there is no function {name}", hint=hint)
    return known[name]
