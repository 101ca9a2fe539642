"""Holds files against the published schema (the one door of jsonschema)."""

from collections.abc import Iterable, Iterator
from typing import Any

from compose import codes
from compose.errors import Problem
from compose.grammar.key_words import WORDS_OF
from compose.grammar.schema import Schema, schema
from compose.nodes import Node, plain
from compose.reading.document import read_documents
from compose.reading.provenance import Places
from compose.spelling import did_you_mean

_LONGEST = 60  # characters of a value that are shown


def validator(made: Schema | None = None) -> Any:
    """What tells the mistakes of plain values; it costs a tenth of a second to load."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - see above

    return Draft202012Validator(made or schema())


def mistakes(contents: Iterable[tuple[str, bytes]]) -> Iterator[Problem]:
    """Where files (name, content) do not fit; variables stay names. Raises FileError for what is no YAML."""
    judge = validator()
    for name, content in contents:
        for root in read_documents(content, name):
            yield from sorted(_problem(_deepest(error), root) for error in judge.iter_errors(plain(root)))


def _deepest(error: Any) -> Any:
    """Of several forms that a value might have had, the mistake in the form that it comes closest to."""
    while error.context:
        error = max(error.context, key=lambda inner: (len(inner.absolute_path), inner.validator != "type"))
    return error


def _problem(error: Any, root: Node) -> Problem:
    path = tuple(error.absolute_path)
    said = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".") or "the file"
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        key = next(key for key in error.instance if key not in known and not key.startswith("x-"))
        hint = did_you_mean(key, known) or "keys of your own begin with x-"
        at = _node(root, path).fields[key]
        return Problem(at.key or at.place, f"{said} has no key '{key}'", hint, codes.UNKNOWN_KEY)
    place = Places(root)[path]
    if error.validator == "required":
        key = next(key for key in error.validator_value if key not in error.instance)
        return Problem(place, f"{said} has no '{key}'", f"add '{key}:'", codes.MISSING_KEY)
    shown = repr(error.instance) if len(repr(error.instance)) < _LONGEST else f"{repr(error.instance)[:_LONGEST]}..."
    hint = f"it is for this: {words}" if (words := _purpose(path)) else ""
    return Problem(place, f"{said} cannot be {shown}", hint, codes.WRONG_KIND)


def _node(node: Node, path: Iterable[str | int]) -> Node:
    for step in path:
        node = node.fields[step] if isinstance(step, str) else node.entries[step]
    return node


def _purpose(path: tuple[str | int, ...]) -> str:
    """What the key at the end of a path is for."""
    keys = [step for step in path if isinstance(step, str)]
    if len(keys) < 2:
        return WORDS_OF[""].get(keys[0], "") if keys else ""
    owners = (keys[-2], f"{keys[-3]}.*" if len(keys) > 2 else "")
    return next((WORDS_OF[owner][keys[-1]] for owner in owners if keys[-1] in WORDS_OF.get(owner, {})), "")
