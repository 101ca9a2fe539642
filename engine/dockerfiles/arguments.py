"""The parts that instructions are written with: flags, lists, commands, names with values."""

import difflib
import json
import re
from collections.abc import Collection

from engine.dockerfiles.durations import parse_duration
from engine.dockerfiles.instructions import Command
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.words import split

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STAGE = re.compile(r"[a-z][a-z0-9_.-]*")


def take_flags(
    keyword: str,
    rest: str,
    known: Collection[str],
    *,
    not_yet: Collection[str] = (),
) -> tuple[dict[str, str], str]:
    """The flags (`--name=value`) that a text begins with, and what follows them."""
    flags: dict[str, str] = {}
    while rest.startswith("--"):
        word, _, rest = rest.partition(" ")
        rest = rest.lstrip()
        name, equals, value = word.removeprefix("--").partition("=")
        if name in not_yet:
            raise Mistake(f"{keyword} --{name} is not supported yet")
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise Mistake(f"{keyword} has no flag --{name}", hint=f"did you mean --{close[0]}?" if close else "")
        if not equals or not value:
            raise Mistake(f"{keyword} --{name} needs a value: --{name}=value")
        if name in flags:
            raise Mistake(f"{keyword} --{name} is given twice")
        flags[name] = value
    return flags, rest


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


def seconds(flags: dict[str, str], name: str) -> float | None:
    """A flag's duration in seconds; None when it is not given or 0, which means the default."""
    return parse_duration(flags[name]) or None if name in flags else None


def count(flags: dict[str, str], name: str) -> int | None:
    """A flag's number; None when it is not given or 0, which means the default."""
    text = flags.get(name, "0")
    if not (text.isascii() and text.isdigit()):
        raise Mistake(f"--{name} is a number, not {text!r}")
    return int(text) or None
