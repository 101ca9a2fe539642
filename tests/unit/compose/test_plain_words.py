"""Command lines without doubts are read without typer, and mean what typer says."""

import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

from compose.cli import plainwords, typed
from compose.cli.session import Session
from compose.cli.verbs import VERBS, load, prepare

PLAIN = [
    "down",
    "down -v",
    "down web worker --volumes --timeout 3 --rmi local",
    "down -t 0.5 --dry-run --remove-orphans",
    "down --timeout=10 web",
    "ps",
    "ps -a --format json",
    "ps --all -q web",
    "ps --all=true --quiet=false web --orphans=0",
    "ps --no-orphans",
    "ps --status running --status exited --filter status=paused",
    "up",
    "up -d",
    "up -d --wait --wait-timeout 30 web",
    "up --scale web=3 --scale worker=2 --build",
    "logs -f --tail 20 web -t",
    "logs -n all",
    "exec web sh",
    "exec -T -e A=1 -e B --user www web ls -l --color",
    "exec --index 2 web sh -c -- x",
    "plan --format=json",
]
LEFT_TO_TYPER = [
    "",
    "--help",
    "--version",
    "down --help",
    "down -tv",
    "down -t3",
    "down --timeout soon",
    "down --timeout -1",
    "down --volumes=yes",
    "down --nothing",
    "down --rmi",
    "down -- web",
    "exec web",
    "nothing",
]


@pytest.mark.parametrize("line", PLAIN)
def test_plain_words_mean_what_typer_says(line: str) -> None:
    assert _plainly(line) == _by_typer(line)


@pytest.mark.parametrize("line", LEFT_TO_TYPER)
def test_doubtful_words_are_left_to_typer(line: str) -> None:
    assert _plainly(line) is None


def test_options_before_the_verb_end_with_the_verb() -> None:
    words = ["-f", "a.yaml", "--file", "b.yaml", "-p", "shop", "down", "-p", "x"]

    assert plainwords.parse(prepare, words, until_first_word=True) == (
        {"file": ["a.yaml", "b.yaml"], "project_name": "shop"},
        ["down", "-p", "x"],
    )


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_option_of_every_verb_can_be_read_plainly(verb: str) -> None:
    assert plainwords.parse(load(verb), []) is not None, (
        f"compose/cli/{verb}.py: describe options by compose.cli.options"
    )


def test_a_plain_command_line_loads_no_typer() -> None:
    code = (
        "import sys; from compose.cli.main import run; run(['-p', 'x', '--run-root', '/nowhere', 'ps']);"
        "sys.exit('typer' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def _plainly(line: str) -> tuple[str, dict[str, Any]] | None:
    before = plainwords.parse(prepare, line.split(), until_first_word=True)
    if before is None or not before.rest or before.rest[0] not in VERBS:
        return None
    verb, *words = before.rest
    values = plainwords.parse_all(load(verb), words, until_first_word=verb == "exec")
    return None if values is None else (verb, {**_defaults(load(verb)), **values})


def _by_typer(line: str) -> tuple[str, dict[str, Any]]:
    given: list[tuple[str, dict[str, Any]]] = []

    def recorder(verb: str) -> Callable[..., Any]:
        command = load(verb)

        @wraps(command)
        def record(session: Session, **values: Any) -> int:
            del session
            given.append((verb, values))
            return 0

        return record

    status = typed.run(
        line.split(), prepare=prepare, verbs=VERBS, load=recorder, interspersed=lambda name: name != "exec"
    )
    assert status == 0
    return given[0]


def _defaults(command: Callable[..., Any]) -> dict[str, Any]:
    function: Any = command
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    by_position = dict(zip(reversed(names), reversed(function.__defaults__ or ()), strict=False))
    return {**by_position, **(function.__kwdefaults__ or {})}
