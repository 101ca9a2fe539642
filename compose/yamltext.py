"""Plain values as YAML that every reader, of YAML 1.1 or 1.2, takes for the same values."""

import json
from collections.abc import Iterator
from typing import Any

PLAIN_STARTS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/_")
PLAIN_MARKS = PLAIN_STARTS | frozenset("0123456789 .-+@=%")
TAKEN_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"))


def yaml_text(values: dict[str, Any]) -> str:
    """A document with two spaces of indentation, in the order of the mapping; ends with a newline."""
    return "".join(f"{line}\n" for line in _lines(values)) or "{}\n"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _entry(f"{_scalar(str(key))}:", item, indent="  ")
    else:
        for item in value:
            yield from _entry("-", item, indent="  ")


def _entry(head: str, item: Any, *, indent: str) -> Iterator[str]:
    if not isinstance(item, dict | list | tuple) or not item:
        yield f"{head} {_scalar(item)}"
        return
    lines = list(_lines(item))
    if head == "-":
        yield f"- {lines[0]}"
        lines = lines[1:]
    else:
        yield head
    yield from (indent + line for line in lines)


def _scalar(value: Any) -> str:
    """One value on one line; texts that might be taken for something else stand in quotes."""
    if isinstance(value, str) and _is_plain(value):
        return value
    if isinstance(value, str):
        return f'"{"".join(map(_escaped, value))}"'
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _escaped(mark: str) -> str:
    """A character between double quotes; what is not printable as its number."""
    if mark in {'"', "\\"}:
        return f"\\{mark}"
    if mark.isprintable():
        return mark
    code = ord(mark)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_plain(text: str) -> bool:
    return (
        bool(text)
        and text[0] in PLAIN_STARTS
        and text[-1] != " "
        and PLAIN_MARKS.issuperset(text)
        and text.lower() not in TAKEN_WORDS
    )
