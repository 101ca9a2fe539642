"""Parses plain command lines without typer: what is known, well-formed and leaves no doubt.

Whatever is not (help, bundled flags, mistakes) gives None and is left to typer, which knows all forms and all messages.
Both read the same annotations (`options.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from compose.cli.options import Argument, Option

_FLAG, _OPPOSITE, _VALUE, _MANY = "flag", "opposite", "value", "many"
_NOT_PLAIN = object()
TRUTHS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "1", "t", "T", "TRUE", "True"), True),
    **dict.fromkeys(("false", "0", "f", "F", "FALSE", "False"), False),
}
"""What may stand behind a flag (`--orphans=false`)."""


def _text(word: str) -> object:
    return word


def _whole(word: str) -> object:
    return int(word) if word.isascii() and word.isdigit() else _NOT_PLAIN


def _decimal(word: str) -> object:
    whole, _, fraction = word.partition(".")
    return float(word) if word.isascii() and whole.isdigit() and (fraction or "0").isdigit() else _NOT_PLAIN


# By the type of a parameter: what the option takes, and how a word becomes its value.
_KINDS: Mapping[Any, tuple[str, Callable[[str], object]]] = {
    bool: (_FLAG, _text),
    str: (_VALUE, _text),
    str | None: (_VALUE, _text),
    int: (_VALUE, _whole),
    int | None: (_VALUE, _whole),
    float | None: (_VALUE, _decimal),
    list[str]: (_MANY, _text),
    list[str] | None: (_MANY, _text),
}


class _Taker(NamedTuple):
    parameter: str
    kind: str
    convert: Callable[[str], object]


class Parsed(NamedTuple):
    """Values by parameter's name, for those that were given, and the words after them."""

    values: dict[str, Any]
    rest: list[str]


def parse(command: Callable[..., object], words: Sequence[str], *, until_first_word: bool = False) -> Parsed | None:
    """The values that plain words give to a function's parameters; None leaves the words to typer.

    With `until_first_word`, everything after the first word that is no option stands for itself.
    """
    options = _options(command)
    if options is None:
        return None
    values: dict[str, Any] = {}
    rest: list[str] = []
    left = iter(words)
    for word in left:
        if not word.startswith("-") or word == "-":
            rest.append(word)
            if until_first_word:
                rest.extend(left)
            continue
        if not _take(options, word, left, values):
            return None
    return Parsed(values, rest)


def parse_all(command: Callable[..., object], words: Sequence[str], *, until_first_word: bool) -> dict[str, Any] | None:
    """As `parse`, with the words that stand for themselves given to the function's arguments."""
    parsed = parse(command, words, until_first_word=until_first_word)
    if parsed is None:
        return None
    rest = parsed.rest
    for name, annotation in command.__annotations__.items():
        if not isinstance(_description(annotation), Argument):
            continue
        kind = _KINDS.get(annotation.__origin__, ("", _text))[0]
        if kind == _MANY and rest:
            parsed.values[name], rest = rest, []
        elif kind == _VALUE and rest:
            parsed.values[name], *rest = rest
        elif name in _required(command):
            return None
    return parsed.values if not rest else None


def _take(options: Mapping[str, _Taker], word: str, left: Any, values: dict[str, Any]) -> bool:
    """Takes one option with its value; whether it was plain."""
    spelling, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
    taker = options.get(spelling)
    if taker is None:
        return False
    if taker.kind in {_FLAG, _OPPOSITE}:
        values[taker.parameter] = TRUTHS.get(value, True) is (taker.kind == _FLAG)
        return not equals or value in TRUTHS
    if not equals:
        value = next(left, "-")
        if value.startswith("-"):
            return False
    converted = taker.convert(value)
    if taker.kind == _MANY:
        values.setdefault(taker.parameter, []).append(converted)
    else:
        values[taker.parameter] = converted
    return converted is not _NOT_PLAIN


def _options(command: Callable[..., object]) -> dict[str, _Taker] | None:
    """The options by spelling; None when a parameter is described in a way that only typer understands."""
    options: dict[str, _Taker] = {}
    for name, annotation in command.__annotations__.items():
        if not hasattr(annotation, "__metadata__"):
            continue  # the Session, what is returned
        described = _description(annotation)
        if isinstance(described, Argument):
            continue
        kind = _KINDS.get(annotation.__origin__)
        if kind is None or not isinstance(described, Option):
            return None
        for spelling in described.spellings or (f"--{name.replace('_', '-')}",):
            positive, _, opposite = spelling.partition("/")
            options[positive] = _Taker(name, *kind)
            if opposite:
                options[opposite] = _Taker(name, _OPPOSITE, kind[1])
    return options


def _description(annotation: Any) -> object:
    return annotation.__metadata__[0] if hasattr(annotation, "__metadata__") else None


def _required(command: Callable[..., object]) -> frozenset[str]:
    """The names of the parameters that have no default and can be given by position."""
    function: Any = command  # a plain function
    code, defaults = function.__code__, function.__defaults__ or ()
    return frozenset(code.co_varnames[: code.co_argcount - len(defaults)])
