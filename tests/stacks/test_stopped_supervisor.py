"""SIGSTOP for a supervisor: commands end and say whom they have waited for, and all goes on once it goes on."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.stacks.outside import eventually
from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    healthcheck: {test: [CMD, test, -e, /healthy], interval: 1s, start_period: 100s, start_interval: 50ms}
"""
PATIENCE_SECONDS = "0.2"


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def told(pid: int) -> str:
    return (
        f"the supervisor of stack boat (process {pid}) is stopped and does not answer\n"
        f"  hint: kill -CONT {pid} lets it go on; kill -9 {pid} ends it, and its containers run on for the next one\n"
    )


@pytest.mark.parametrize(
    "words", [("up", "-d"), ("down",), ("restart",), ("exec", "-T", "web", "true"), ("wait", "web")]
)
def test_a_command_names_the_supervisor_and_does_not_wait_for_ever(
    project: Callable[..., Windlass], words: tuple[str, ...]
) -> None:
    boat = project(FILE, WINDLASS_PATIENCE_SECONDS=PATIENCE_SECONDS)
    boat("up", "-d")
    pids, supervisor = boat.pids(), boat.supervisor_pid()
    with stopped(supervisor):
        assert boat(*words, status=1, seconds=20).stderr.endswith(told(supervisor))
        assert boat.ps()["boat-web-1"]["State"] == "running"
    assert boat.pids() == pids
    boat("down")


def test_a_command_that_was_under_way_gives_up_and_the_next_one_goes_on(project: Callable[..., Windlass]) -> None:
    boat = project(FILE, WINDLASS_PATIENCE_SECONDS=PATIENCE_SECONDS)
    with boat.start("up", "-d", "--wait", stderr=subprocess.PIPE) as up:
        eventually(lambda: boat.ps().get("boat-web-1", {}).get("State") == "running", "the container")
        supervisor = boat.supervisor_pid()
        with stopped(supervisor):
            assert up.stderr is not None
            assert up.stderr.read().endswith(told(supervisor))
            assert up.wait(10) == 1
    boat("exec", "-T", "web", "touch", "/healthy")
    assert boat("up", "-d", "--wait").stderr.endswith("nothing to do.\n")
    boat("down")


def test_one_that_was_killed_after_all_is_replaced(project: Callable[..., Windlass]) -> None:
    boat = project(FILE, WINDLASS_PATIENCE_SECONDS=PATIENCE_SECONDS)
    boat("up", "-d")
    pids = boat.pids()
    os.kill(boat.supervisor_pid(), signal.SIGSTOP)
    os.kill(_named(boat("up", "-d", status=1).stderr), signal.SIGKILL)
    boat("up", "-d")
    assert boat.pids() == pids
    boat("down")


def _named(message: str) -> int:
    """The process that a message tells to end."""
    return int(message.partition("kill -9 ")[2].split()[0])
