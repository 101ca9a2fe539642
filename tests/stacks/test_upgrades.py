"""A newer windlass under a running stack: older records are adopted, a supervisor of another version is replaced."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.stacks.outside import kill_supervisor
from tests.stacks.product import CHECKOUT, Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    restart: always
"""
OTHER_VERSION = Path(__file__).parents[1] / "kernel" / "supervisor" / "skewed.py"
NEWER_FIELDS = (
    "troubles",
    "half_removed",
    "dropped_bytes",
    "paused",
    "aside",
    "health_output",
    "failure",
    "post_start",
)


def test_records_of_an_older_and_of_a_newer_version_are_adopted(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    pids = boat.pids()
    kill_supervisor(boat)
    for path in boat.roots.stack("boat").containers.glob("*/*.json"):
        record = json.loads(path.read_bytes())
        older = {key: value for key, value in record.items() if key not in NEWER_FIELDS}
        path.write_text(json.dumps({**older, "from_tomorrow": {"a": [1]}}))
    assert boat("up", "-d").stderr.endswith("nothing to do.\n")
    assert boat.pids() == pids
    boat("down")


def test_a_supervisor_of_another_version_is_replaced_and_containers_go_on(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    argv = [sys.executable, str(OTHER_VERSION), "0", "0.0.9", "--run", str(boat.roots.run)]
    with subprocess.Popen(
        [*argv, "--data", str(boat.roots.data), "boat"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    ) as older:
        assert older.stdout is not None
        assert older.stdout.readline().startswith(b'{"type":"ready"')
        said = boat("up", "-d").stderr
        assert older.wait(10) != 0
    assert "the supervisor was of windlass 0.0.9: one of " in said
    pids = boat.pids()
    assert "has taken over" not in boat("up", "-d").stderr
    assert boat.pids() == pids
    boat("down")
