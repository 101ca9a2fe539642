"""A service that forks without end harms itself: the limit holds, it is told, its neighbour serves, kill ends it."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from tests.ports import free_port
from tests.stacks.outside import eventually, fetch
from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "echo hauled >/tmp/index.html; exec httpd -f -p 80 -h /tmp"]
    ports: ["127.0.0.1:${PORT}:80"]
    stop_signal: SIGKILL
  bomb:
    image: localhost/bb:1
    command:
      - sh
      - -c
      - while [ ! -e /go ]; do sleep 0.05; done; (while :; do while :; do :; done & done); exec sleep 1000
    stop_signal: SIGKILL
    pids_limit: 60
    cpus: 0.2
"""
SLACK_SECONDS = 0.02
"""What a machine that is busy with other work may add."""


def latency(port: int) -> float:
    """The median time of a page, in seconds."""
    took = []
    for _ in range(15):
        began = time.monotonic()
        assert fetch(f"http://127.0.0.1:{port}/") == "hauled\n"
        took.append(time.monotonic() - began)
    return statistics.median(took)


def processes(boat: Windlass) -> int:
    """The most processes that the bomb's control groups of any hierarchy hold."""
    label = boat.roots.stack("boat").label
    service = {record["Name"]: record["ID"] for record in boat.ps().values()}["boat-bomb-1"]
    root = Path("/sys/fs/cgroup")
    groups = [*root.glob(f"windlass/{label}/{service}"), *root.glob(f"*/windlass/{label}/{service}")]
    return max((len((group / "cgroup.procs").read_text().split()) for group in groups), default=0)


def test_a_fork_bomb_is_bounded_told_and_killed(project: Callable[..., Windlass]) -> None:
    port = free_port()
    boat = project(FILE, PORT=str(port))
    boat("up", "-d")
    eventually(lambda: fetch(f"http://127.0.0.1:{port}/"), "the page")
    quiet = latency(port)
    boat("exec", "-T", "bomb", "touch", "/go")
    said = eventually(lambda: said if "limit" in (said := boat("ps").stderr) else "", "the limit in ps", seconds=10)
    assert "warning: boat-bomb-1: it has reached its limit of processes" in said
    assert latency(port) < 2 * quiet + SLACK_SECONDS
    assert processes(boat) <= 60
    began = time.monotonic()
    boat("kill", "bomb")
    eventually(lambda: processes(boat) == 0, "the end of all of them", seconds=5)
    assert time.monotonic() - began < 3  # most of it is the start of the commands
    boat("down", "-t", "1")
