"""`up` in the foreground: logs with prefixes until Ctrl-C, then a graceful stop."""

import signal
import subprocess
from collections.abc import Callable

from tests.stacks.product import Windlass

FILE = """
services:
  clock:
    image: localhost/bb:1
    command: [sh, -c, "trap 'echo struck; exit 0' TERM; echo ticking; while true; do sleep 0.1; done"]
  mute:
    image: localhost/bb:1
    command: [sh, -c, "trap '' TERM; while true; do sleep 0.1; done"]
    stop_grace_period: 100s
"""


def _read_until(stream: object, words: str) -> str:
    seen = ""
    for line in stream:  # type: ignore[attr-defined] # a text pipe
        seen += line
        if words in line:
            return seen
    raise AssertionError(f"ended without {words!r}: {seen}")


def test_ctrl_c_stops_gracefully_and_a_second_one_kills(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    with boat.start("up", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as up:
        assert "clock-1  | ticking" in _read_until(up.stdout, "ticking")
        up.send_signal(signal.SIGINT)
        assert "Gracefully" in _read_until(up.stderr, "Gracefully")
        assert "clock-1  | struck" in _read_until(up.stdout, "struck")
        up.send_signal(signal.SIGINT)
        rest, errors = up.communicate(timeout=20)
    assert "Traceback" not in rest + errors
    assert up.returncode in (0, 130)
    assert {name: (container["State"], container["ExitCode"]) for name, container in boat.ps().items()} == {
        "boat-clock-1": ("exited", 0),
        "boat-mute-1": ("exited", 137),
    }
    boat("down")


def test_up_ends_by_itself_when_everything_has(project: Callable[..., Windlass]) -> None:
    boat = project("services: {job: {image: localhost/bb:1, command: [sh, -c, 'echo done; exit 3']}}")
    done = boat("up")
    assert "job-1  | done" in done.stdout
    assert "job-1 exited with code 3" in done.stdout + done.stderr
    boat("down")
