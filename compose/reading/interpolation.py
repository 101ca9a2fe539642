"""Puts variables into text: $NAME, ${NAME} and the operators :- - :? ? :+ +, nested as deep as wanted.

The rules are those of the Compose Specification, "Interpolation".
"""

import operator
from collections.abc import Callable

from compose import codes
from compose.errors import Problem
from compose.nodes import Node
from compose.places import Place

Lookup = Callable[[str], str | None]

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_NAME = _LETTERS | frozenset("0123456789")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")
_MAX_LENGTH = 1024 * 1024  # of a text with everything put in
_MAX_DEPTH = 50


class InterpolationError(Exception):
    """A text cannot be interpolated: what is wrong, what to do, the kind of mistake."""

    def __init__(self, message: str, hint: str, code: str = codes.INTERPOLATION) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


def interpolate(text: str, lookup: Lookup, on_unset: Callable[[str], None]) -> str:
    """The text with every variable replaced; `on_unset` hears the name of each unset one without a default.

    Raises InterpolationError.
    """
    return _Text(text, lookup, on_unset).whole() if "$" in text else text


class _Text:
    """One text on its way; positions count characters of the original."""

    def __init__(self, text: str, lookup: Lookup, on_unset: Callable[[str], None]) -> None:
        self._text = text
        self._lookup = lookup
        self._on_unset = on_unset

    def whole(self) -> str:
        result, _ = self._until(0, "", wanted=True, depth=0)
        if len(result) > _MAX_LENGTH:
            raise InterpolationError(f"its text grows beyond {_MAX_LENGTH} characters", "shorten the variables' values")
        return result

    def _until(self, start: int, end: str, *, wanted: bool, depth: int) -> tuple[str, int]:
        """The text from `start` to the closing brace (`end` "}") or the end of the text, and the position after it."""
        pieces: list[str] = []
        text, at, braces = self._text, start, 0
        while at < len(text):
            if end and text[at] in "{}":
                if text[at] == "}" and not braces:
                    return "".join(pieces), at + 1
                braces += 1 if text[at] == "{" else -1
                pieces.append(text[at])
                at += 1
                continue
            if text[at] != "$":
                stop = self._next(at, end)
                pieces.append(text[at:stop])
                at = stop
                continue
            piece, at = self._dollar(at, wanted=wanted, depth=depth)
            pieces.append(piece)
        if end:
            raise self._invalid(max(self._text.rfind("${", 0, start), 0), "a ${ has no closing }")
        return "".join(pieces), at

    def _next(self, at: int, end: str) -> int:
        marks = ("$", "{", "}") if end else ("$",)
        stops = [found for mark in marks if (found := self._text.find(mark, at)) >= 0]
        return min(stops, default=len(self._text))

    def _dollar(self, at: int, *, wanted: bool, depth: int) -> tuple[str, int]:
        text = self._text
        following = text[at + 1 : at + 2]
        if following == "$":
            return "$", at + 2
        if following == "{":
            return self._braces(at, wanted=wanted, depth=depth + 1)
        if following not in _LETTERS:
            return "$", at + 1
        stop = self._name_end(at + 1)
        return (self._plain(text[at + 1 : stop]) if wanted else ""), stop

    def _name_end(self, start: int) -> int:
        stop = start
        while stop < len(self._text) and self._text[stop] in _NAME:
            stop += 1
        return stop

    def _plain(self, name: str) -> str:
        value = self._lookup(name)
        if value is None:
            self._on_unset(name)
            return ""
        return value

    def _braces(self, at: int, *, wanted: bool, depth: int) -> tuple[str, int]:
        text = self._text
        if depth > _MAX_DEPTH:
            raise InterpolationError(
                f"its ${{...}} are nested deeper than {_MAX_DEPTH} levels", "simplify the defaults"
            )
        stop = self._name_end(at + 2)
        name = text[at + 2 : stop]
        if not name or name[0] not in _LETTERS:
            raise self._invalid(at, "${ needs the name of a variable behind it")
        if text[stop : stop + 1] == "}":
            return (self._plain(name) if wanted else ""), stop + 1
        operator = next((each for each in _OPERATORS if text.startswith(each, stop)), "")
        if not operator:
            raise self._invalid(at, f"behind ${{{name} stands none of }} :- - :? ? :+ +")
        value = self._lookup(name)
        present = value is not None and (value != "" or not operator.startswith(":"))
        use_rest = wanted and (present if operator.endswith("+") else not present)
        rest, after = self._until(stop + len(operator), "}", wanted=use_rest, depth=depth)
        if not wanted or operator.endswith("+"):
            return rest if use_rest else "", after
        if present:
            return value or "", after
        if operator.endswith("?"):
            said = f": {rest}" if rest else ""
            raise InterpolationError(
                f"the required variable {name} is {_missing(value)}{said}",
                f"set {name} in the environment or in .env",
                codes.REQUIRED_VARIABLE,
            )
        return rest, after

    def _invalid(self, at: int, reason: str) -> InterpolationError:
        shown = self._text[at : at + 40].splitlines()[0]
        return InterpolationError(
            f"cannot be interpolated at '{shown}': {reason}", "write $$ for a dollar sign that is meant"
        )


def _missing(value: str | None) -> str:
    return "not set" if value is None else "empty"


class Interpolation:
    """Interpolates whole documents; keeps the problems and the names of unset variables for the reader."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.problems: list[Problem] = []
        self.unset: dict[str, Place] = {}

    def document(self, root: Node) -> Node:
        """The document with variables in all values; keys stay as they are."""
        return self._node(root, "")

    def _node(self, node: Node, path: str) -> Node:
        """The node itself when nothing in it changes."""
        value = node.value
        if isinstance(value, str):
            return node.with_value(self._scalar(value, node.place, path)) if "$" in value else node
        if isinstance(value, dict):
            prefix = path + "." if path else ""
            fields = {key: self._node(child, prefix + key) for key, child in value.items()}
            return node if all(map(operator.is_, fields.values(), value.values())) else node.with_value(fields)
        if type(value) is tuple:
            entries = tuple(self._node(child, f"{path}[{index}]") for index, child in enumerate(value))
            return node if all(map(operator.is_, entries, value)) else node.with_value(entries)
        return node

    def _scalar(self, text: str, place: Place, path: str) -> str:
        try:
            return interpolate(text, self._lookup, lambda name: self._heard(name, place))
        except InterpolationError as error:
            self.problems.append(Problem(place, f"{path}: {error.message}", error.hint, error.code))
            return text

    def _heard(self, name: str, place: Place) -> None:
        self.unset.setdefault(name, place)
