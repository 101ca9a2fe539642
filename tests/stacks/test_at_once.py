"""Several commands at once: they take turns, and what they tell could have happened one after the other."""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from tests.stacks.history import Command, explains
from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
"""
TOLD = ("Created", "Started", "Stopped", "Removed")
CROWD = ("up", "ps", "stop", "ps", "start", "down", "ps", "up", "restart", "ps")


def run_at_once(boat: Windlass, verbs: Sequence[str]) -> list[Command]:
    """Runs each verb in a process of its own, all at once; gives what they told."""
    done: list[Command] = []
    wrong: list[str] = []
    gate = threading.Barrier(len(verbs))

    def run(verb: str) -> None:
        options = {"up": ("-d",), "ps": ("-a", "--format", "{{.State}}")}.get(verb, ())
        gate.wait()
        began = time.monotonic()
        ended = subprocess.run(
            boat.argv("--progress", "plain", verb, *options),
            cwd=boat.directory,
            env=boat.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        told = [words[-1] for words in map(str.split, ended.stderr.splitlines()) if words and words[0] == "Container"]
        if ended.returncode:
            wrong.append(f"{verb} ended with {ended.returncode}: {ended.stderr}")
        outcome = [ended.stdout.strip() or "absent"] if verb == "ps" else [word for word in told if word in TOLD]
        done.append(Command(verb, began, time.monotonic(), tuple(outcome)))

    threads = [threading.Thread(target=run, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, "\n".join(wrong)
    return done


def state_of(boat: Windlass) -> str:
    return boat("ps", "-a", "--format", "{{.State}}").stdout.strip() or "absent"


@pytest.mark.parametrize("verbs", [("up", "up"), ("up", "down"), ("up", "up", "down", "down")], ids="+".join)
def test_the_commands_take_turns(project: Callable[..., Windlass], verbs: tuple[str, ...]) -> None:
    boat = project(FILE)
    told = run_at_once(boat, verbs)
    assert explains(told, last=state_of(boat)), told
    boat("down")


def test_what_fifty_commands_tell_could_have_happened_one_after_the_other(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    told = run_at_once(boat, CROWD * 5)
    assert explains(told, last=state_of(boat)), sorted(told, key=lambda command: command.ended)
    boat("up", "-d")
    assert state_of(boat) == "running"
    boat("down")


@pytest.mark.parametrize(
    ("commands", "last", "possible"),
    [
        ([("up", 0, 9, "Created Started"), ("up", 1, 9, "")], "running", True),
        ([("up", 0, 9, "Created Started"), ("up", 1, 9, "Created Started")], "running", False),
        ([("up", 0, 9, "Created Started"), ("down", 1, 9, "")], "running", True),
        ([("up", 0, 9, "Created Started"), ("down", 1, 9, "")], "absent", False),
        ([("up", 0, 4, "Created Started"), ("down", 5, 9, "")], "running", False),
        ([("up", 0, 4, "Created Started"), ("ps", 1, 9, "created")], "running", True),
        ([("up", 0, 4, "Created Started"), ("ps", 5, 9, "created")], "running", False),
        ([("up", 0, 4, "Created Started"), ("ps", 1, 2, "running"), ("ps", 3, 4, "absent")], "running", False),
    ],
)
def test_the_judge_tells_what_can_have_happened_from_what_cannot(
    commands: list[tuple[str, float, float, str]], last: str, *, possible: bool
) -> None:
    history = [Command(verb, began, ended, tuple(told.split())) for verb, began, ended, told in commands]
    assert explains(history, last=last) is possible
