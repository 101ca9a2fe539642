"""A Dockerfile's text as logical lines: directives, comments, continued lines and here-documents taken care of."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from engine.dockerfiles.problems import Mistake, Problem
from engine.dockerfiles.words import expand, split

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.+?)\s*")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)")
_WITH_HEREDOCS = frozenset({"RUN", "COPY", "ADD"})
_OWN_SYNTAX = ("docker/dockerfile", "docker.io/docker/dockerfile")


class Heredoc(NamedTuple):
    """A here-document. `word` is how it stands in the instruction; `expand`: its name was not quoted."""

    name: str
    content: str
    expand: bool
    word: str


class LogicalLine(NamedTuple):
    """One instruction: `number` is the line it begins on, `text` has no continuations left."""

    number: int
    text: str
    heredocs: tuple[Heredoc, ...] = ()


class Lines(NamedTuple):
    """A whole file."""

    escape: str
    lines: tuple[LogicalLine, ...]
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...]


def read_lines(text: str) -> Lines:
    """Splits a Dockerfile's text."""
    physical = text.removeprefix("\ufeff").splitlines()
    problems: list[Problem] = []
    warnings: list[str] = []
    escape = "\\"
    for number, name, value in _directives(physical):
        if name == "escape":
            if value in {"\\", "`"}:
                escape = value
            else:
                problems.append(Problem(number, f"the escape character is \\ or `, not {value!r}"))
        elif name == "syntax" and not value.startswith(_OWN_SYNTAX):
            warnings.append(f"line {number}: the syntax {value} is ignored: the usual one is read")
    lines = tuple(_Reader(physical, escape, problems).read())
    return Lines(escape, lines, tuple(warnings), tuple(problems))


def _directives(physical: list[str]) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(physical, start=1):
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None or match.group(1).lower() not in {"escape", "syntax", "check"}:
            return
        yield number, match.group(1).lower(), match.group(2)


class _Reader:
    def __init__(self, physical: list[str], escape: str, problems: list[Problem]) -> None:
        self._physical = physical
        self._escape = escape
        self._problems = problems
        self._at = 0
        quoted = re.escape(escape)
        self._continued = re.compile(rf"(?:^|[^{quoted}]){quoted}[ \t]*$")

    def read(self) -> Iterator[LogicalLine]:
        while self._at < len(self._physical):
            number = self._at + 1
            text = self._joined().strip()
            if text:
                yield LogicalLine(number, text, self._heredocs(number, text))

    def _joined(self) -> str:
        """The next line with those that continue it; comments and empty lines in between don't end it."""
        text = ""
        while self._at < len(self._physical):
            line = self._physical[self._at]
            self._at += 1
            if line.lstrip().startswith("#"):
                if text:
                    continue
                return ""
            if text and not line.strip():
                continue
            match = self._continued.search(line)
            if match is None:
                return text + line
            text += line[: line.rstrip(" \t").rfind(self._escape)]
            text = text or " "
        return text

    def _heredocs(self, number: int, text: str) -> tuple[Heredoc, ...]:
        if "<<" not in text:
            return ()
        keyword = text.split(maxsplit=2)[:2]
        if keyword[0].upper() == "ONBUILD":
            keyword = keyword[1:]
        if not keyword or keyword[0].upper() not in _WITH_HEREDOCS:
            return ()
        found = []
        for word in split(text, self._escape)[1:]:
            match = _HEREDOC.fullmatch(word)
            if match is None:
                continue
            try:
                name = expand(match.group(2), {}, self._escape)
            except Mistake as mistake:
                self._problems.append(Problem(number, mistake.message))
                continue
            expanded = not set(match.group(2)) & {"'", '"', self._escape}
            found.append(Heredoc(name, self._body(number, name, tabs=bool(match.group(1))), expanded, word))
        return tuple(found)

    def _body(self, number: int, name: str, *, tabs: bool) -> str:
        body: list[str] = []
        while self._at < len(self._physical):
            line = self._physical[self._at]
            self._at += 1
            line = line.lstrip("\t") if tabs else line
            if line == name:
                return "".join(f"{line}\n" for line in body)
            body.append(line)
        self._problems.append(
            Problem(number, f"the here-document {name} never ends", f"write {name} alone on a line after it")
        )
        return ""
