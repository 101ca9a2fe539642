"""Reads .env files: NAME=value lines with comments, quotes over several lines, and variables in values."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from compose import codes
from compose.errors import FileError, Problem
from compose.places import Place
from compose.reading.interpolation import InterpolationError, interpolate

_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "$": "$$",
}
_NAME_MARKS = frozenset("_.-[]")
MAX_BYTES = 10 * 1024 * 1024


def read_dotenv(
    data: bytes, file: str, *, lookup: Callable[[str], str | None], raw: bool = False
) -> Mapping[str, str | None]:
    """The variables of one file, in its order; None for a NAME alone that `lookup` does not know.

    `lookup` is asked before the file's own earlier lines when a value holds variables. `raw` takes every value as it
    stands. Raises FileError with the problems of the whole file.
    """
    if len(data) > MAX_BYTES:
        message, hint = f"is larger than {MAX_BYTES // 1024 // 1024} MiB", "is it a file of NAME=value lines?"
        raise FileError((Problem(Place(file), message, hint, codes.TOO_LARGE),))
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        hint = "save the file as UTF-8"
        raise FileError((Problem(Place(file, line, 1), "is not UTF-8 text", hint, codes.NOT_TEXT),)) from None
    return _File(text, file, lookup).raw() if raw else _File(text, file, lookup).parsed()


def dotenv_places(data: bytes, file: str, *, raw: bool = False) -> Mapping[str, Place]:
    """Where each variable of a file that can be read stands, the last time if it stands there several times."""
    parser = _File(data.decode("utf-8-sig").replace("\r\n", "\n"), file, lambda _: None)
    with suppress(FileError):  # a variable that must be set is not what is asked for here
        _ = parser.raw() if raw else parser.parsed()
    return parser.places()


class _Refusal(Exception):  # noqa: N818 - it is caught a few lines below, and never seen outside
    """One line is wrong: position in the text, message, hint, code if it is special."""


class _File:
    """One file on its way through the parser; positions count characters."""

    def __init__(self, text: str, file: str, lookup: Callable[[str], str | None]) -> None:
        self._text = text
        self._file = file
        self._lookup = lookup
        self._values: dict[str, str | None] = {}
        self._problems: list[Problem] = []
        self._starts: dict[str, int] = {}

    def raw(self) -> Mapping[str, str | None]:
        at = 0
        for number, line in enumerate(self._text.split("\n"), 1):
            start, at = at, at + len(line) + 1
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            name, equals, value = line.partition("=")
            if name != name.strip() or " " in name:
                hint = "this file has `format: raw`: write NAME=value without spaces around the name"
                message = f"the name '{name}' holds a space"
                self._problems.append(Problem(Place(self._file, number, 1), message, hint, codes.ENV_FILE_LINE))
            self._starts[name] = start
            self._values[name] = value if equals else self._lookup(name)
        return self._finished()

    def places(self) -> Mapping[str, Place]:
        return {name: self._place(start) for name, start in self._starts.items()}

    def parsed(self) -> Mapping[str, str | None]:
        at = 0
        while (at := self._past_blanks(at)) < len(self._text):
            try:
                at = self._line(at)
            except _Refusal as refusal:
                position, message, hint, *code = refusal.args
                self._problems.append(Problem(self._place(position), message, hint, *code or (codes.ENV_FILE_LINE,)))
                at = self._end_of_line(position)
        return self._finished()

    def _finished(self) -> Mapping[str, str | None]:
        if self._problems:
            raise FileError(tuple(self._problems))
        return self._values

    def _place(self, position: int) -> Place:
        start = self._text.rfind("\n", 0, position) + 1
        return Place(self._file, self._text.count("\n", 0, position) + 1, position - start + 1)

    def _end_of_line(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end

    def _past_blanks(self, at: int) -> int:
        while at < len(self._text):
            if self._text[at] == "#":
                at = self._end_of_line(at)
            elif self._text[at].isspace():
                at += 1
            else:
                break
        return at

    def _line(self, at: int) -> int:
        """Reads one variable from `at`; the position behind it."""
        end = self._end_of_line(at)
        line = self._text[at:end]
        if line.startswith(("export ", "export\t")):
            behind = len("export ")
            at += behind + len(line[behind:]) - len(line[behind:].lstrip())
            line = self._text[at:end]
        split = min((found for mark in "=:" if (found := line.find(mark)) >= 0), default=-1)
        name = (line if split < 0 else line[:split]).strip()
        self._check_name(name, at)
        self._starts[name] = at
        if split < 0:
            self._values[name] = self._known(name)
            return end
        start = at + split + 1
        while start < end and self._text[start] in " \t":
            start += 1
        if self._text[start : start + 1] in ("'", '"'):
            return self._quoted(name, start)
        value = self._text[start:end]
        comment = next(
            (index for index in range(1, len(value)) if value[index] == "#" and value[index - 1] in " \t"), None
        )
        self._values[name] = self._expanded(value[:comment].rstrip(), start)
        return end

    def _check_name(self, name: str, at: int) -> None:
        bad = next((each for each in name if not (each.isalnum() or each in _NAME_MARKS)), None)
        if bad is None and name:
            return
        shown = f"the name '{name}' holds '{bad}'" if name else "a name is missing before the ="
        raise _Refusal(at, shown, "write NAME=value")

    def _quoted(self, name: str, start: int) -> int:
        quote, at, text = self._text[start], start + 1, self._text
        pieces: list[str] = []
        while at < len(text) and text[at] != quote:
            if text[at] == "\\" and at + 1 < len(text) and (quote == '"' or text[at + 1] == quote):
                escaped = text[at + 1]
                pieces.append(_ESCAPES.get(escaped, "\\" + escaped) if quote == '"' else escaped)
                at += 2
                continue
            pieces.append(text[at])
            at += 1
        if at >= len(text):
            raise _Refusal(start, f"the quote of {name} is never closed", f"end the value with {quote}")
        value = "".join(pieces)
        self._values[name] = value if quote == "'" else self._expanded(value, start)
        end = self._end_of_line(at)
        rest = text[at + 1 : end].strip()
        if rest and not rest.startswith("#"):
            raise _Refusal(at + 1, f"text stands behind the closing quote of {name}", "put the whole value in quotes")
        return end

    def _expanded(self, value: str, at: int) -> str:
        try:
            return interpolate(value, self._known, lambda _: None)
        except InterpolationError as error:
            raise _Refusal(at, error.message, error.hint, error.code) from None

    def _known(self, name: str) -> str | None:
        value = self._lookup(name)
        return self._values.get(name) if value is None else value
