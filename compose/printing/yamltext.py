"""Plain values as YAML, laid out as Docker Compose prints it.

Which texts stand plain, in quotes or as a block follows the printer of gopkg.in/yaml.v3, so that both programs' output
can be compared line by line. Only `=` and `<<` get quotes that Compose spares: readers of YAML 1.1 stumble over them.
"""

import re
from collections.abc import Iterable
from functools import cmp_to_key
from typing import Any

from compose.nodes import number_text

# Letters first: certainly no number, no word of YAML's, nothing that needs quotes.
_ORDINARY = re.compile(r"[A-Za-z/_][A-Za-z0-9/_.@=+-]*(?: [A-Za-z0-9/_.@=+-]+)*")
_TAKEN = frozenset(
    word
    for lower in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
    for word in (lower, lower.capitalize(), lower.upper())
) | {"", "~", "=", "<<"}
_NUMBER = re.compile(
    r"[-+]?(?:0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:[Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})?)?"
)
_NEVER_FIRST = frozenset("#,[]{}&*!|>'\"%@`")
_BREAKS = frozenset("\n\r\x85\u2028\u2029")
_ENDS_A_MARK = _BREAKS | {" ", "\t", ""}  # what follows an indicator that is meant as one
_ESCAPES = {
    "\0": "0",
    "\a": "a",
    "\b": "b",
    "\t": "t",
    "\n": "n",
    "\v": "v",
    "\f": "f",
    "\r": "r",
    "\x1b": "e",
    '"': '"',
    "\\": "\\",
    "\x85": "N",
    "\xa0": "_",
    "\u2028": "L",
    "\u2029": "P",
}
_LONGEST_KEY = 128
# Characters between letters sort before them, as the printer's order of keys has it.
_RANKS = {code: rank for rank, code in enumerate(sorted(range(128), key=lambda code: (chr(code).isalpha(), code)))}


def yaml_text(values: dict[str, Any]) -> str:
    """A document with two spaces of indentation, in the order of the mapping; ends with a newline."""
    lines: list[str] = []
    _write(values, "", lines)
    return "\n".join((*lines, "")) if lines else "{}\n"


def in_order(keys: Iterable[str]) -> list[str]:
    """Keys of a free mapping in the printer's order: letters behind other marks, numbers by their value."""
    names = list(keys)
    if len(names) < 2:
        return names
    if any(map(_HAS_DIGIT, names)) or not all(map(str.isascii, names)):
        return sorted(names, key=cmp_to_key(_compare))
    return sorted(names, key=lambda name: name.translate(_RANKS))


_HAS_DIGIT = re.compile("[0-9]").search


def _compare(one: str, two: str) -> int:
    """Below 0 when `one` comes first; runs of digits count as numbers."""
    return -1 if _is_less(one, two) else int(_is_less(two, one))


def _is_less(one: str, two: str) -> bool:
    behind_digit = False
    for at, (left, right) in enumerate(zip(one, two, strict=False)):
        if left == right:
            behind_digit = left.isdigit()
            continue
        if left.isalpha() and right.isalpha():
            return left < right
        if left.isalpha() or right.isalpha():
            return left.isalpha() if behind_digit else right.isalpha()
        return _number_is_less(one, two, at)
    return len(one) < len(two)


def _number_is_less(one: str, two: str, at: int) -> bool:
    start = at
    while start and one[start - 1].isdigit():
        start -= 1
    lead = "1" if "0" in {one[at], two[at]} and one[start:at].strip("0") else ""
    left, right = (_digits(text, at) for text in (one, two))
    values = int(f"0{lead}{left}"), int(f"0{lead}{right}")
    if values[0] != values[1]:
        return values[0] < values[1]
    return len(left) < len(right) if len(left) != len(right) else one[at] < two[at]


def _digits(text: str, start: int) -> str:
    end = start
    while end < len(text) and text[end].isdigit():
        end += 1
    return text[start:end]


def _write(value: Any, indent: str, lines: list[str]) -> None:
    """Appends the lines of a mapping or list, each behind `indent`."""
    if isinstance(value, dict):
        for key, item in value.items():
            name = _on_one_line(str(key))
            if len(name) > _LONGEST_KEY:
                lines.append(f"{indent}? {name}")
                _entry(f"{indent}:", item, indent, lines)
            else:
                _entry(f"{indent}{name}:", item, indent, lines)
    else:
        for item in value:
            _entry(f"{indent}-", item, indent, lines)


def _entry(head: str, item: Any, indent: str, lines: list[str]) -> None:
    if isinstance(item, dict | list | tuple):
        if not item:
            lines.append(f"{head} {'{}' if isinstance(item, dict) else '[]'}")
            return
        inner = indent + "  "
        first = len(lines)
        if head in {indent + "-", indent + ":"}:
            _write(item, inner, lines)
            lines[first] = f"{head} {lines[first][len(inner) :]}"
        else:
            lines.append(head)
            _write(item, inner, lines)
    elif isinstance(item, str) and "\n" in item and _may_be_block(item):
        _block(head, item, indent, lines)
    else:
        lines.append(f"{head} {_on_one_line(item)}")


def _on_one_line(value: Any) -> str:
    if isinstance(value, str):
        if _ORDINARY.fullmatch(value) and value not in _TAKEN:
            return value
        return _text(value)
    if value is None:
        return "null"
    return number_text(value)


def _text(text: str) -> str:
    """A text that may need quotes: none, single ones, double ones, the first of these that will do."""
    if text in _TAKEN or _is_number(text) or "\n" in text or not _fits_single_quotes(text):
        return f'"{"".join(map(_escaped, text))}"'
    if _may_be_plain(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _is_number(text: str) -> bool:
    if text[0].isdigit() or text[0] in "+-.":
        return bool(
            _NUMBER.fullmatch(text.replace("_", ""))
            or _NOT_FINITE.fullmatch(text)
            or _SEXAGESIMAL.fullmatch(text)
            or _DATE.fullmatch(text)
        )
    return False


def _fits_single_quotes(text: str) -> bool:
    return all(map(_is_printable, text))


def _is_printable(mark: str) -> bool:
    if mark <= "~":
        return mark >= " "
    return mark not in _BREAKS and ("\xa0" <= mark < "\ud800" or ("\ue000" <= mark <= "\ufffd" and mark != "\ufeff"))


def _may_be_plain(text: str) -> bool:
    first = text[0]
    if first in _NEVER_FIRST or text[0] == " " or text[-1] == " " or text.startswith(("---", "...")):
        return False
    if first in "-?:" and text[1:2] in _ENDS_A_MARK:
        return False
    return " #" not in text and not any(
        mark == ":" and following in _ENDS_A_MARK for mark, following in zip(text, (*text[1:], ""), strict=True)
    )


def _may_be_block(text: str) -> bool:
    """Whether several lines can stand as they are, below a `|`."""
    return text[-1] != " " and " \n" not in text and all(mark in "\n\t" or _is_printable(mark) for mark in text)


def _block(head: str, text: str, indent: str, lines: list[str]) -> None:
    width = "2" if text[0] in " \n" else ""
    body = text.removesuffix("\n")
    end = "-" if body == text else "" if body and not body.endswith("\n") else "+"
    lines.append(f"{head} |{width}{end}")
    lines += (f"{indent}  {line}" if line else "" for line in body.split("\n"))


def _escaped(mark: str) -> str:
    """A character between double quotes; what is not printable as its number."""
    if mark in _ESCAPES:
        return f"\\{_ESCAPES[mark]}"
    if _is_printable(mark):
        return mark
    code = ord(mark)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
