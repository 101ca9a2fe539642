"""kill -9 of `up` at any moment: the next `up` finishes what it began, or `down` removes it."""

import subprocess
from collections.abc import Callable
from typing import IO

import pytest

from tests.stacks.product import Windlass

FILE = """
services:
  first:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    volumes: [kept:/kept]
    healthcheck: {test: [CMD, 'true']}
  second:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    depends_on:
      first:
        condition: service_healthy
  third:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    depends_on: [second]
    deploy:
      replicas: 3
volumes:
  kept:
"""
MOMENTS = (0, 1, 2, 4, 6, 8, 10)


def _killed_after_lines(windlass: Windlass, lines: int) -> None:
    """Kills `up` once it has reported so many lines of progress."""
    with windlass.start("--progress", "plain", "up", "-d", stderr=subprocess.PIPE) as up:
        progress: IO[str] = up.stderr or pytest.fail("no pipe")
        for _ in range(lines):
            progress.readline()
        up.kill()


@pytest.mark.parametrize("lines", MOMENTS)
def test_the_next_up_finishes_what_a_killed_one_began(project: Callable[..., Windlass], lines: int) -> None:
    boat = project(FILE)
    _killed_after_lines(boat, lines)
    boat("up", "-d", "--wait")
    assert {name: container["State"] for name, container in boat.ps().items()} == dict.fromkeys(
        ("boat-first-1", "boat-second-1", "boat-third-1", "boat-third-2", "boat-third-3"), "running"
    )
    boat("down", "-v")
    assert boat.ps() == {}


@pytest.mark.parametrize("lines", MOMENTS)
def test_down_removes_what_a_killed_up_left(project: Callable[..., Windlass], lines: int) -> None:
    boat = project(FILE)
    _killed_after_lines(boat, lines)
    boat("down", "-v")
    assert boat.ps() == {}
