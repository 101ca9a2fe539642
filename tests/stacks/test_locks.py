"""Two commands at once on one stack."""

import os
from collections.abc import Callable

from engine.locks import command_lock
from tests.stacks.product import Windlass

FILE = "services: {web: {image: localhost/bb:1, command: [sleep, '1000'], stop_signal: SIGKILL}}"


def test_the_second_command_says_who_holds_the_stack_and_gives_up_after_the_time_it_has(
    project: Callable[..., Windlass],
) -> None:
    boat = project(FILE)
    with command_lock(boat.roots.stack("boat"), "windlass up"):
        at_once = boat("--lock-timeout", "0", "down", status=1).stderr
        later = boat("--lock-timeout=0.1", "up", "-d", status=1).stderr
        looked_at = boat("ps")
    assert f"stack boat is held by PID {os.getpid()}: windlass up since" in at_once
    assert f"waiting for stack boat, held by PID {os.getpid()}: windlass up since" in later
    assert "after 0.1s of waiting" in later
    assert looked_at.stderr == ""
    boat("--lock-timeout", "0", "up", "-d")
