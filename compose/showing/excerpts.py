"""Shows the lines of the user's files that a problem is about, with marks below what is wrong."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from compose.errors import Problem
from compose.places import Place

_PLAIN = re.compile(r"(?:(?!:(?:\s|$)|\s#).)+")
_PLAIN_IN_FLOW = re.compile(r"(?:(?!:(?:\s|$)|\s#)[^,\[\]{}])+")
_QUOTED = {'"': re.compile(r'"(?:\\.|[^"\\])*"?'), "'": re.compile(r"'(?:''|[^'])*'?")}
_KEPT = 20  # columns left of the mark that stay when a line is cut
_MAIN, _OTHER, _NEITHER = "^", "-", " "


class Palette(NamedTuple):
    """What switches each part's colour on, and off again; empty without colours."""

    frame: str = ""
    main: str = ""
    other: str = ""
    off: str = ""


PLAIN = Palette()
COLORED = Palette(frame="\x1b[2m", main="\x1b[31;1m", other="\x1b[34m", off="\x1b[0m")


class Sources:
    """The lines of files as they stand; each file is read once, and one that cannot be read has none."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def line(self, file: str, number: int) -> str:
        """A line without its end; empty when there is none."""
        if file not in self._lines:
            try:
                with open(file, encoding="utf-8-sig", errors="replace") as stream:  # noqa: PTH123 - the user's text
                    self._lines[file] = stream.read().split("\n")
            except (OSError, ValueError):
                self._lines[file] = []
        lines = self._lines[file]
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def end_column(self, place: Place) -> int:
        """The column behind the key or value that stands at a place; the next one when that cannot be told."""
        line, start = self.line(place.file, place.line), place.column - 1
        if not 0 <= start < len(line):
            return place.column + 1
        in_flow = any(line.count(first, 0, start) > line.count(last, 0, start) for first, last in ("[]", "{}"))
        pattern = _QUOTED.get(line[start], _PLAIN_IN_FLOW if in_flow else _PLAIN)
        found = pattern.match(line, start)
        return start + max(len(found[0].rstrip()) if found else 0, 1) + 1


def excerpt(problem: Problem, sources: Sources, *, width: int, palette: Palette = PLAIN) -> Iterator[str]:
    """The lines to show below a problem's message; none when no line of a file is to blame."""
    places = [each for each in (problem.place, *problem.also) if sources.line(each.file, each.line).strip()]
    if problem.place not in places:
        return
    digits = max(3, *(len(str(place.line)) for place in places))
    shown = problem.place.file
    for file, number in sorted(
        {(place.file, place.line) for place in places}, key=lambda each: (each[0] != shown, each)
    ):
        if file != shown:
            yield f"{palette.frame}{' ' * digits} in {file}{palette.off}"
            shown = file
        marks = _marks(
            [place for place in places if (place.file, place.line) == (file, number)], problem.place, sources
        )
        text, below = _window(sources.line(file, number), marks, max(width - digits - 5, _KEPT * 2))
        yield f"{palette.frame}{number:>{digits}} |{palette.off} {text}"
        yield f"{palette.frame}{' ' * digits} |{palette.off} {_colored(below, palette)}"


def _marks(places: list[Place], main: Place, sources: Sources) -> dict[int, str]:
    """What stands below which character of a line."""
    marks: dict[int, str] = {}
    for place in sorted(places, key=lambda each: each == main):
        for index in range(place.column - 1, sources.end_column(place) - 1):
            marks[index] = _MAIN if place == main else _OTHER
    return marks


def _window(line: str, marks: dict[int, str], room: int) -> tuple[str, str]:
    """As much of a line as fits, the marks below it."""
    cells = [each if each.isprintable() else " " if each == "\t" else "\N{REPLACEMENT CHARACTER}" for each in line]
    first = max(0, min(marks, default=0) - _KEPT) if len(cells) > room else 0
    last = min(len(cells), first + room)
    text = ("…" if first else "") + "".join(cells[first:last]) + ("…" if last < len(cells) else "")
    widths = [2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in cells[first:last]]
    below = "".join(marks.get(first + index, _NEITHER) * width for index, width in enumerate(widths))
    behind = marks.get(last, "") if last == len(cells) else ""
    return text, ((" " if first else "") + below + behind).rstrip()


def _colored(below: str, palette: Palette) -> str:
    colors = {_MAIN: palette.main, _OTHER: palette.other, _NEITHER: ""}
    runs = ((mark, "".join(run)) for mark, run in groupby(below))
    return "".join(f"{colors[mark]}{run}{palette.off if colors[mark] else ''}" for mark, run in runs)
