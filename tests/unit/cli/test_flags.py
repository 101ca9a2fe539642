"""Every flag of Docker Compose's verbs is there, in the same spellings, with a value where Compose wants one."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from compose.cli import typed
from compose.cli.options import Option
from compose.cli.session import Session
from compose.cli.verbs import NOT_YET, VERBS, load, prepare
from tests.unit.cli.compose_flags import FLAGS, HIDDEN


def _listed(text: str) -> list[tuple[frozenset[str], bool]]:
    """The spellings of each flag of a table, and whether it takes a value."""
    flags = [entry.split() for entry in text.replace("\n", " ").split(",")]
    return [(frozenset(word for word in words if word[0] == "-"), words[-1][0] != "-") for words in flags if words]


def _ours(verb: str) -> dict[str, bool]:
    """Every spelling that a verb knows, and whether it takes a value; what typer adds is left out."""
    found: dict[str, bool] = {}
    for name, annotation in load(verb).__annotations__.items():
        described = getattr(annotation, "__metadata__", (None,))[0]
        if isinstance(described, Option):
            for spelling in described.spellings or (f"--{name.replace('_', '-')}",):
                found.update(dict.fromkeys(spelling.split("/"), annotation.__origin__ is not bool))
    return found


def test_every_verb_of_compose_is_there_or_said_to_be_missing() -> None:
    assert FLAGS.keys() - VERBS.keys() <= NOT_YET


@pytest.mark.parametrize("verb", sorted(FLAGS.keys() & VERBS.keys()))
def test_a_verb_has_the_flags_of_composes(verb: str) -> None:
    ours = _ours(verb)
    lacking = [
        " ".join(sorted(spellings))
        for spellings, takes_value in _listed(f"{FLAGS[verb]}, {HIDDEN.get(verb, '')}")
        for known in ({spelling: takes for spelling, takes in ours.items() if spelling in spellings},)
        if "--dry-run" not in spellings and known != dict.fromkeys(spellings, takes_value)
    ]
    assert lacking == []


@pytest.mark.parametrize("verb", sorted(FLAGS.keys() & VERBS.keys()))
def test_a_dry_run_may_be_asked_for_behind_every_verb(verb: str) -> None:
    asked: list[bool] = []

    def recorder(name: str) -> Callable[..., Any]:
        command = load(name)

        def record(session: Session, **values: Any) -> None:
            asked.append(values.get("dry_run", session.options.dry_run))

        record.__annotations__ = command.__annotations__
        vars(record)["__signature__"] = inspect.signature(command)
        return record

    parameters = inspect.signature(load(verb)).parameters.values()
    required = [each for each in parameters if each.default is each.empty and each.annotation is not Session]
    words = [verb, "--dry-run", *("x" for _ in required)]
    typed.run(words, prepare=prepare, verbs=VERBS, load=recorder, interspersed=lambda _name: True)
    assert asked == [True]
