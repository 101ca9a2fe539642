"""Tells where each variable of a service's environment comes from, and which sources lost."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from compose.grammar.expressions import expressions
from compose.model import Stack
from compose.nodes import Node
from compose.places import Place
from compose.reading.dotenv import dotenv_places, read_dotenv


class Origin(NamedTuple):
    """A variable that a value is made with: where it is set; no place for the shell, nor for one that nothing sets."""

    name: str
    is_set: bool
    place: Place | None = None

    def __str__(self) -> str:
        if not self.is_set:
            return "not set"
        return str(self.place) if self.place else "the shell"


class Source(NamedTuple):
    """One place that gives a variable a value; None: it passes on a variable that is not set.

    `uses` are the variables that the value is made with.
    """

    value: str | None
    kind: str
    place: Place
    uses: tuple[Origin, ...] = ()


class Asked(NamedTuple):
    """What the sources are found with: the shell's variables, how paths are shown."""

    environment: Mapping[str, str]
    shown: Callable[[str], str]


def environment_sources(stack: Stack, written: Node, service_name: str, asked: Asked) -> dict[str, list[Source]]:
    """The sources of each variable, the one that wins first.

    `stack` was read without putting env files into environments; in `written` variables are still names.
    """
    assert stack.document is not None  # noqa: S101 - a stack that was read has its document
    service = stack.document.fields["services"].fields[service_name]
    known = _Variables(stack, asked)
    found: dict[str, list[Source]] = {}
    files = service.fields.get("env_file")
    values: dict[str, str] = {}
    for entry in files.entries if files else ():
        for name, (value, place) in _file(entry, stack, values, asked.shown).items():
            values[name] = value
            found.setdefault(name, []).insert(0, Source(value, "env_file", place))
    own = service.fields.get("environment")
    texts = _texts_by_place(written.fields["services"].fields[service_name].fields.get("environment"))
    for name, node in own.fields.items() if own else ():
        if node.value is None:
            source = Source(stack.variables.get(name), "environment", node.place, (known.origin(name),))
        else:
            uses = tuple(known.origin(each.name) for each in expressions(texts.get(node.place, "")))
            source = Source(str(node.value), "environment", node.place, uses)
        found.setdefault(name, []).insert(0, source)
    return found


def _file(
    entry: Node, stack: Stack, earlier: Mapping[str, str], shown: Callable[[str], str]
) -> dict[str, tuple[str, Place]]:
    """What one env file sets: values, and where they stand."""
    path = str(Path(stack.directory, str(entry.fields["path"].value)))
    raw = "format" in entry.fields and entry.fields["format"].value == "raw"
    try:
        data = Path(path).read_bytes()
    except OSError:
        return {}  # one that need not be there: others were refused when the stack was read
    read = read_dotenv(data, shown(path), lookup=lambda name: stack.variables.get(name, earlier.get(name)), raw=raw)
    places = dotenv_places(data, shown(path), raw=raw)
    return {name: (value, places[name]) for name, value in read.items() if value is not None}


class _Variables:
    """Where the variables that files may use are set."""

    def __init__(self, stack: Stack, asked: Asked) -> None:
        self._stack = stack
        self._environment = asked.environment
        self._places: dict[str, Place] = {}
        for path in stack.env_files:
            try:
                self._places.update(dotenv_places(Path(path).read_bytes(), asked.shown(path)))
            except OSError:
                continue  # there is no .env

    def origin(self, name: str) -> Origin:
        place = None if name in self._environment else self._places.get(name)
        return Origin(name, name in self._stack.variables, place)


def _texts_by_place(node: Node | None) -> dict[Place, str]:
    if node is None:
        return {}
    return {child.place: str(child.value) for child in (*node.fields.values(), *node.entries)}
