"""A mount whose file system answers no more: its container hangs alone, who stops it is told, and at last all goes."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.stacks.hanging import hanging_directory
from tests.stacks.outside import eventually
from tests.stacks.product import Windlass

FILE = """
services:
  stuck:
    image: localhost/bb:1
    command: [sh, -c, "ls /share; sleep 1000"]
    volumes: ["${SHARE}:/share:ro"]
    networks: [inner]
  other:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    networks: [outer]
    volumes: ["data:/data"]
networks: {inner: {}, outer: {}}
volumes: {data: {}}
"""
PROBED = """
services:
  probed:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    volumes: ["${SHARE}:/share:ro"]
    healthcheck: {test: [CMD, ls, /share], interval: 100ms, timeout: 100ms, retries: 1}
"""
DEEP = """
services:
  deep:
    image: localhost/bb:1
    command: [sleep, "1000"]
    working_dir: /share/deep
    volumes: ["${SHARE}:/share:ro"]
"""
SECONDS = "0.3"
HINT = "  hint: mend or unmount (umount -f) the file system or device that it waits for, then run the command again\n"


def told(stderr: str) -> None:
    """What a command says of the container that SIGKILL does not end."""
    assert "container boat-stuck-1 does not end: SIGKILL has done nothing for 0.3 s to process " in stderr
    assert "(ls), which is in state D (uninterruptible sleep)" in stderr
    assert "/share (fuse)" in stderr
    assert HINT in stderr


def test_whoever_hangs_keeps_nobody_waiting_and_goes_once_it_can(
    project: Callable[..., Windlass], tmp_path: Path
) -> None:
    share = tmp_path / "share"
    with hanging_directory(share) as hangs:
        boat = project(FILE, SHARE=str(share), WINDLASS_KILL_SECONDS=SECONDS)
        boat("up", "-d", seconds=20)
        assert hangs.wait(10)
        told(boat("stop", "-t", "0", "stuck", status=1, seconds=10).stderr)
        told(boat("kill", "stuck", status=1, seconds=10).stderr)
        told(boat("up", "-d", status=1, seconds=10).stderr)
        told(boat("up", "-d", "--force-recreate", "stuck", status=1, seconds=10).stderr)
        told(boat("down", "-v", status=1, seconds=10).stderr)
        assert {name: row["State"] for name, row in boat.ps().items()} == {"boat-stuck-1": "running"}
        eventually(lambda: "it does not end" in boat("ps").stderr, "the trouble", seconds=5)
        assert "boat_outer" not in boat("down", status=1, seconds=10).stderr
    eventually(lambda: boat.ps() == {}, "the removal of what has ended at last", seconds=5)
    boat("down", "-v")


def test_one_that_hangs_is_known_to_the_next_supervisor(project: Callable[..., Windlass], tmp_path: Path) -> None:
    share = tmp_path / "share"
    with hanging_directory(share) as hangs:
        boat = project(FILE, SHARE=str(share), WINDLASS_KILL_SECONDS=SECONDS)
        boat("up", "-d", seconds=20)
        assert hangs.wait(10)
        with boat.start("down", "-t", "0", stderr=subprocess.PIPE) as down:
            assert down.wait(10) == 1
        os.kill(boat.supervisor_pid(), signal.SIGKILL)
        told(boat("down", status=1, seconds=10).stderr)
        os.kill(boat.supervisor_pid(), signal.SIGKILL)
    boat("down", "-v")
    assert boat.ps() == {}


def test_a_health_check_that_hangs_keeps_nobody_waiting(project: Callable[..., Windlass], tmp_path: Path) -> None:
    share = tmp_path / "share"
    with hanging_directory(share) as hangs:
        boat = project(PROBED, SHARE=str(share), WINDLASS_KILL_SECONDS=SECONDS)
        boat("up", "-d", seconds=20)
        assert hangs.wait(10)
        eventually(lambda: boat.ps()["boat-probed-1"]["Health"] == "unhealthy", "the verdict", seconds=5)
        assert "container boat-probed-1 does not end" in boat("down", status=1, seconds=10).stderr
    eventually(lambda: boat.ps() == {}, "the removal of what has ended at last", seconds=5)
    boat("down", "-v")


def test_one_that_hangs_before_its_program_runs_keeps_nobody_waiting(
    project: Callable[..., Windlass], tmp_path: Path
) -> None:
    share = tmp_path / "share"
    with hanging_directory(share) as hangs:
        boat = project(DEEP, SHARE=str(share), WINDLASS_KILL_SECONDS=SECONDS)
        with boat.start("up", "-d", stderr=subprocess.PIPE) as up:
            assert hangs.wait(10)
            up.kill()
        assert "container boat-deep-1 does not end" in boat("down", "-t", "0", status=1, seconds=10).stderr
        assert "container boat-deep-1 does not end" in boat("down", status=1, seconds=10).stderr
    eventually(lambda: boat.ps() == {}, "the removal of what has ended at last", seconds=5)
    boat("down")
