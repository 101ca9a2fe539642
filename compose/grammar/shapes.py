"""What a value of a file may look like: shapes check a node, and turn it into its one canonical form.

A shape never raises: it tells `Reading` what is wrong (with place and hint) and returns None. The tables in
`compose.grammar.keys` put shapes together to the whole Compose Specification.
"""

import math
import re
from collections.abc import Callable
from typing import Protocol

from compose import codes
from compose.errors import Problem
from compose.grammar.quantities import duration_nanoseconds, duration_text, size_bytes
from compose.nodes import Node, kind, number_text
from compose.places import Place

Remedy = Callable[[str, Node, str, frozenset[str]], str]

_LEGACY_TRUE = frozenset(("yes", "on", "y"))
_LEGACY_FALSE = frozenset(("no", "off", "n"))


def no_remedy(_key: str, _child: Node, _path: str, _known: frozenset[str]) -> str:
    """What to do about an unknown key, as far as one mapping knows."""
    return "keys of your own begin with x-"


class Reading:
    """What one file's reading knows and finds out: the base of relative paths, the problems, the warnings.

    `later` are the places of keys that are not supported yet. `letters` are names of volumes of one letter. Without
    `resolves_paths` paths stay as they are written. `remedy` says what to do about a key that is not known.
    """

    def __init__(
        self,
        directory: str,
        home: str,
        letters: frozenset[str] = frozenset(),
        *,
        resolves_paths: bool = True,
        remedy: Remedy = no_remedy,
    ) -> None:
        self.directory = directory
        self.resolves_paths = resolves_paths
        self.home = home
        self.letters = letters
        self.remedy = remedy
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.later: set[Place] = set()

    def refuse(self, place: Place, message: str, hint: str, code: str) -> None:
        """Notes a problem that does not spoil the value around it."""
        self.problems.append(Problem(place, message, hint, code))

    def attempt(self, shape: "Shape", node: Node, path: str) -> Node | None:
        """The canonical node, or None when the shape refused it; then the problem is noted."""
        try:
            return shape.read(node, path, self)
        except Refusal as refusal:
            self.problems.append(refusal.problem)
            return None

    def warn(self, place: Place, message: str, hint: str = "", code: str = codes.NO_EFFECT) -> None:
        """Notes a warning."""
        self.warnings.append(Problem(place, message, hint, code))


class Shape(Protocol):
    """One kind of value."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        """The canonical node; raises Refusal when there is none, while problems inside it are noted in `reading`."""


class Refusal(Exception):  # noqa: N818 - it tells the shape around this one, and ends there
    """A value does not have the wanted shape."""

    def __init__(self, place: Place, message: str, hint: str, code: str) -> None:
        super().__init__(message)
        self.problem = Problem(place, message, hint, code)


def wrong(node: Node, path: str, wanted: str, hint: str = "") -> Refusal:
    """The refusal of a value of another kind than wanted."""
    found = kind(node)
    if found == "empty":
        hint = hint or f"write a value, or delete the line '{path.rpartition('.')[2]}:'"
    return Refusal(node.place, f"{path or 'the file'} must be {wanted}, not {found}", hint, codes.WRONG_KIND)


class Text:
    """Text; `check` raises ValueError with what is wrong with it, completing "`path` ..."."""

    def __init__(self, check: Callable[[str], object] | None = None, *, numbers: bool = False, hint: str = "") -> None:
        self.check = check
        self.numbers = numbers
        self._hint = hint

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        value = node.value
        if not isinstance(value, str):
            if self.numbers and isinstance(value, (int, float)) and not isinstance(value, bool):
                value = number_text(value)
                node = node.with_value(value)
            else:
                quotes = "put it in quotes" if value is not None and kind(node) not in ("a list", "a mapping") else ""
                raise wrong(node, path, "text", quotes)
        if self.check is not None:
            try:
                self.check(value)
            except ValueError as error:
                raise Refusal(node.place, f"{path} {error}", self._hint, codes.WRONG_NAME) from None
        return node


class Choice:
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if node.value in self.words and isinstance(node.value, str):
            return node
        shown = f"'{node.value}'" if isinstance(node.value, str) else kind(node)
        from compose.spelling import did_you_mean  # noqa: PLC0415 - only a mistake needs it

        hint = did_you_mean(str(node.value), self.words)
        raise Refusal(
            node.place, f"{path} must be one of {', '.join(self.words)}, not {shown}", hint, codes.NO_SUCH_CHOICE
        )


class Boolean:
    """true or false; the words of older YAML pass with a warning."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        value = node.value
        if isinstance(value, bool):
            return node
        if not isinstance(value, str):
            raise wrong(node, path, "true or false")
        word = value.lower()
        if word in ("true", "false"):
            return node.with_value(word == "true")
        if word in _LEGACY_TRUE or word in _LEGACY_FALSE:
            meant = "true" if word in _LEGACY_TRUE else "false"
            message = f"{path} is '{value}', which YAML 1.2 does not know"
            reading.warn(node.place, message, f"write {meant}", codes.OLD_WORD)
            return node.with_value(word in _LEGACY_TRUE)
        raise Refusal(node.place, f"{path} must be true or false, not '{value}'", "", codes.WRONG_KIND)


class Integer:
    """A whole number, or text that is one (after interpolation)."""

    def __init__(self, low: int | None = None, high: int | None = None, *, truncate: bool = False) -> None:
        self.low = low
        self.high = high
        self.truncate = truncate

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        value = node.value
        if isinstance(value, str):
            try:
                value = int(value) if value.isascii() and "_" not in value and value.strip() == value else None
            except ValueError:
                value = None
            if value is None:
                raise Refusal(node.place, f"{path} must be a whole number, not '{node.value}'", "", codes.WRONG_KIND)
        if isinstance(value, float) and abs(value) < 2**63 and (self.truncate or value.is_integer()):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong(node, path, "a whole number")
        if self.low is not None and value < self.low:
            raise Refusal(node.place, f"{path} must be {self.low} or more, not {value}", "", codes.OUT_OF_RANGE)
        if self.high is not None and value > self.high:
            raise Refusal(node.place, f"{path} must be {self.high} or less, not {value}", "", codes.OUT_OF_RANGE)
        return node.with_value(value)


class Number:
    """A number, or text that is one (after interpolation)."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        value = node.value
        if isinstance(value, str):
            try:
                value = float(value) if value.isascii() and "_" not in value else None
            except ValueError:
                value = None
            if value is None or not math.isfinite(value):
                raise Refusal(node.place, f"{path} must be a number, not '{node.value}'", "", codes.WRONG_KIND)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise wrong(node, path, "a number")
        if not math.isfinite(value):
            raise Refusal(node.place, f"{path} must be a number, not {value}", "", codes.WRONG_KIND)
        return node.with_value(int(value) if value == int(value) else value)


class Size:
    """A size in bytes; canonical as the decimal text that Compose prints."""

    def __init__(self, *, numbers: bool = True, negative: bool = False) -> None:
        self.numbers = numbers
        self.negative = negative

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        value = node.value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and self.numbers:
            if not math.isfinite(value) or value != int(value) or (value < 0 and not (self.negative and value == -1)):
                raise Refusal(node.place, f"{path} must be a size such as 512m, not {value}", "", codes.WRONG_SIZE)
            return node.with_value(str(int(value)))
        if not isinstance(value, str):
            raise wrong(node, path, "a size such as 512m")
        if self.negative and value == "-1":
            return node
        try:
            return node.with_value(str(size_bytes(value)))
        except ValueError as error:
            hint = "write a number with b, k, m or g behind it, such as 512m"
            raise Refusal(node.place, f"{path} {error}", hint, codes.WRONG_SIZE) from None


class Duration:
    """A time span; canonical as Compose prints it (1m30s)."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        value = node.value
        hint = "write numbers with units behind them, such as 90s or 1m30s"
        if not isinstance(value, str):
            raise wrong(node, path, "a duration", hint)
        try:
            return node.with_value(duration_text(duration_nanoseconds(value)))
        except ValueError as error:
            raise Refusal(node.place, f"{path} {error}", hint, codes.WRONG_DURATION) from None


class HostPath:
    """A path on the host; canonical absolute against the directory of the file, `~` being the user's home."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        if not isinstance(node.value, str):
            raise wrong(node, path, "a path")
        return node.with_value(absolute(node.value, reading))


_DRIVE = re.compile(r"[a-zA-Z]:([/\\]|$)")  # Windows', which Compose leaves as they are


def absolute(path: str, reading: Reading) -> str:
    """A path as seen from the project's directory."""
    if not reading.resolves_paths or path.startswith(("/", "\\\\")) or _DRIVE.match(path):
        return path
    if path.startswith("~"):
        return _joined(reading.home, path[1:].lstrip("/"))
    return _joined(reading.directory, path)


def _joined(directory: str, path: str) -> str:
    parts = [part for part in directory.split("/") if part]
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


class Anything:
    """Any value; a date becomes its text."""

    def read(self, node: Node, path: str, reading: Reading) -> Node:
        del path, reading
        return node
