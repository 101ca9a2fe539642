"""A writable layer of limited size, in a real container."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stacks.outside import eventually
from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    restart: always
    storage_opt: {size: 32m}
"""


def _loops_of(directory: Path) -> list[str]:
    backing = Path("/sys/block").glob("loop*/loop/backing_file")
    return [path.read_text() for path in backing if path.read_text().startswith(str(directory))]


def test_a_container_cannot_write_more_than_its_disk_holds(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    script = "echo early >/early; dd if=/dev/zero of=/big bs=1M count=64"
    said = boat("exec", "-T", "web", "sh", "-c", script, status=None)
    assert "No space left on device" in said.stderr
    assert int(boat("exec", "-T", "web", "stat", "-c", "%s", "/big").stdout) < 33_000_000
    assert len(_loops_of(boat.roots.data)) == 1

    os.kill(boat.supervisor_pid(), signal.SIGKILL)
    os.kill(boat.pids()["boat-web-1"], signal.SIGKILL)
    boat("up", "-d")
    eventually(lambda: boat.ps()["boat-web-1"]["State"] == "running", "web runs again, as its restart policy says")
    assert boat("exec", "-T", "web", "cat", "/early").stdout == "early\n"
    boat("down")
    assert _loops_of(boat.roots.data) == []
