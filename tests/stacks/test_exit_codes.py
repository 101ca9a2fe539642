"""The rows of docs/exit-codes.md."""

from collections.abc import Callable

import pytest

from tests.stacks.product import Windlass

FILE = """
services:
  good: {image: localhost/bb:1, command: [sleep, "1000"], stop_signal: SIGKILL}
  bad: {image: localhost/bb:1, command: [sh, -c, "exit 3"], profiles: [bad]}
  ill:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    profiles: [ill]
    healthcheck: {test: [CMD, "false"], interval: 20ms, retries: 1}
  slow:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    profiles: [slow]
    healthcheck: {test: [CMD, "false"], interval: 60s}
  absent: {image: localhost/bb:1, command: [nowhere], profiles: [absent]}
  data: {image: localhost/bb:1, command: [/etc/hosts], profiles: [data]}
"""


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("up", "-d"), 0),
        (("up", "bad"), 0),
        (("up", "--bogus"), 1),
        (("up", "-d", "absent"), 127),
        (("up", "-d", "data"), 126),
        (("up", "--abort-on-container-exit", "bad", "good"), 3),
        (("up", "--abort-on-container-failure", "bad", "good"), 3),
        (("up", "--exit-code-from", "good", "bad", "good"), 137),
        (("up", "-d", "--wait", "good"), 0),
        (("up", "-d", "--wait", "ill"), 1),
        (("up", "-d", "--wait", "--wait-timeout", "0.3", "slow"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_up_ends_with(project: Callable[..., Windlass], words: tuple[str, ...], status: int) -> None:
    boat = project(FILE)
    boat(*words, status=status)
    boat("--profile", "*", "down")


@pytest.mark.parametrize(
    ("program", "status"),
    [("exit 0", 0), ("exit 9", 9), ("kill -TERM $$", 143), ("exec nowhere", 127), ("exec /etc/hosts", 126)],
)
def test_exec_ends_as_its_program_does(project: Callable[..., Windlass], program: str, status: int) -> None:
    boat = project(FILE)
    boat("up", "-d", "good")
    boat("exec", "-T", "good", "sh", "-c", program, status=status)
    boat("down")


def test_exec_of_what_cannot_run_says_why(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d", "good")
    assert "nowhere" in boat("exec", "-T", "good", "nowhere", status=127).stderr
    assert "/etc/hosts" in boat("exec", "-T", "good", "/etc/hosts", status=126).stderr
    boat("down")


def test_wait_ends_as_the_last_container(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d", "bad")
    boat("wait", "bad", status=3)
    boat("--profile", "*", "down")
