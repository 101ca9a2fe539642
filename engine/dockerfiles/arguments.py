"""The parts that instructions are written with: flags, lists, commands, names with values."""

import difflib
import json
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from engine.dockerfiles.durations import parse_duration
from engine.dockerfiles.instructions import Command
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.words import split

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STAGE = re.compile(r"[a-z][a-z0-9_.-]*")
_YES: Final = frozenset({"true", "1", "t"})
_NO: Final = frozenset({"false", "0", "f"})


class Flags(NamedTuple):
    """The flags that an instruction begins with, each with all of its values."""

    given: Mapping[str, tuple[str, ...]]

    def text(self, name: str) -> str:
        """A flag's value, empty when it is not given."""
        return self.all(name)[0] if self.all(name) else ""

    def all(self, name: str) -> tuple[str, ...]:
        """The values of a flag that may come more than once."""
        return self.given.get(name, ())

    def switch(self, name: str) -> bool | None:
        """Whether a flag says yes; None when it is not given."""
        value = self.text(name)
        return None if not value else value in _YES

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.given)


def take_flags(
    keyword: str,
    rest: str,
    known: Collection[str],
    *,
    switches: Collection[str] = (),
    repeated: Collection[str] = (),
    refused: Mapping[str, str] = MappingProxyType({}),
    escape: str = "\\",
) -> tuple[Flags, str]:
    """The flags (`--name=value`) that a text begins with, and what follows them.

    `switches` may stand without a value, `repeated` more than once; `refused` are known, with the reason why not.
    """
    flags: dict[str, tuple[str, ...]] = {}
    allowed = {*known, *switches, *repeated}
    while rest.startswith("--"):
        word, rest = _flag(rest, escape)
        if word == "--":
            break
        name, equals, value = word.removeprefix("--").partition("=")
        if name in refused:
            raise Mistake(f"{keyword} --{name} is refused: {refused[name]}")
        if name not in allowed:
            close = difflib.get_close_matches(name, allowed, n=1)
            raise Mistake(f"{keyword} has no flag --{name}", hint=f"did you mean --{close[0]}?" if close else "")
        if name in switches:
            value = value if equals else "true"
            if value.lower() not in {*_YES, *_NO}:
                raise Mistake(f"{keyword} --{name} is true or false, not {value!r}")
            value = value.lower()
        elif not value:
            raise Mistake(f"{keyword} --{name} needs a value: --{name}=value")
        if name in flags and name not in repeated:
            raise Mistake(f"{keyword} --{name} is given twice")
        flags[name] = (*flags.get(name, ()), value)
    return Flags(flags), rest


def _flag(rest: str, escape: str) -> tuple[str, str]:
    """The first word of a text without its quotes, and what follows it."""
    word, quote, at = "", "", 0
    while at < len(rest) and (quote or not rest[at].isspace()):
        character = rest[at]
        if character == escape and at + 1 < len(rest):
            at += 1
            word += rest[at]
        elif quote:
            word, quote = (word, "") if character == quote else (word + character, quote)
        elif character in "'\"":
            quote = character
        else:
            word += character
        at += 1
    return word, rest[at:].lstrip()


def words(rest: str, escape: str) -> tuple[str, ...]:
    """The words of a text as they stand there."""
    return split(rest, escape)


def exec_form(rest: str) -> tuple[str, ...] | None:
    """The strings of a JSON list; None when the text is none."""
    if not rest.startswith("["):
        return None
    try:
        found = json.loads(rest)
    except ValueError:
        return None
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        return None
    return tuple(found)


def command(rest: str) -> Command:
    """A command in exec or shell form. What looks like a list but is none is for the shell, as everywhere."""
    return Command(rest, exec_form(rest))


def pairs(keyword: str, rest: str, escape: str) -> tuple[tuple[str, str], ...]:
    """Names with values: `a=1 b="2 3"`, or the old way with one name, a space and the value."""
    found = split(rest, escape)
    if "=" not in found[0]:
        name = found[0]
        value = rest.removeprefix(name).strip()
        if not value:
            raise Mistake(f"{keyword} {name} has no value", hint=f"write {keyword} {name}=value")
        return ((name, value),)
    result = []
    for word in found:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise Mistake(f"{keyword} has {word!r} where name=value is expected", hint="quote values with spaces")
        result.append((name, value))
    return tuple(result)


def check_variable_name(keyword: str, name: str) -> None:
    """Refuses what cannot be a variable's name."""
    if not _VARIABLE.fullmatch(name):
        raise Mistake(f"{keyword}: {name!r} is no variable's name")


def stage_name(text: str) -> str:
    """A stage's name, in lower case."""
    name = text.lower()
    if not _STAGE.fullmatch(name):
        raise Mistake(f"{text!r} is no stage's name", hint="it begins with a letter; then letters, digits, _ . -")
    return name


def seconds(flags: Flags, name: str) -> float | None:
    """A flag's duration in seconds; None when it is not given or 0, which means the default."""
    text = flags.text(name)
    return parse_duration(text) or None if text else None


def count(flags: Flags, name: str) -> int | None:
    """A flag's number; None when it is not given or 0, which means the default."""
    text = flags.text(name) or "0"
    if not (text.isascii() and text.isdigit()):
        raise Mistake(f"--{name} is a number, not {text!r}")
    return int(text) or None
