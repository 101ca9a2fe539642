"""Records that are empty, of another version, or not root's: the next `up` serves, `down` leaves nothing."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.stacks.outside import eventually, fetch, kill_supervisor
from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "echo hauled >/tmp/index.html; exec httpd -f -p 80 -h /tmp"]
    ports: ["127.0.0.1:${PORT}:80"]
    volumes: ["kept:/kept"]
    stop_signal: SIGKILL
volumes: {kept: }
"""
IN_RUN_ROOT = (
    "containers/*/spec.json",
    "containers/*/state.json",
    "networks/*/network.json",
    "networks/*/leases/*",
    "networks/.published/*",
    "events",
    "*.lock",
)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def come_from_the_future(path: Path) -> None:
    path.write_bytes(b'{"version":{"of":"tomorrow"},"id":7,"name":[],"spec":{"name":1},"status":"dreaming"}')


def belong_to_others(path: Path) -> None:
    os.chown(path, 12345, 12345)
    path.chmod(0)


@pytest.mark.parametrize("damage", [empty, come_from_the_future])
@pytest.mark.parametrize("pattern", IN_RUN_ROOT[:-1])
def test_the_next_up_serves_and_down_leaves_nothing(
    project: Callable[..., Windlass], pattern: str, damage: Callable[[Path], None]
) -> None:
    port = free_port()
    boat = project(FILE, PORT=str(port))
    boat("up", "-d")
    kill_supervisor(boat)
    files = list(boat.roots.stack("boat").directory.glob(pattern))
    assert files
    for path in files:
        damage(path)
    boat("ps", "-a")
    boat("up", "-d", "-t", "1", seconds=30)
    assert eventually(lambda: fetch(f"http://127.0.0.1:{port}/"), "the page", seconds=5) == "hauled\n"
    boat("down", "-v", "-t", "1")


def test_files_that_are_not_roots_are_roots_to_read_all_the_same(project: Callable[..., Windlass]) -> None:
    boat = project(FILE, PORT=str(free_port()))
    boat("up", "-d")
    pids = boat.pids()
    kill_supervisor(boat)
    for pattern in IN_RUN_ROOT:
        for path in boat.roots.stack("boat").directory.glob(pattern):
            belong_to_others(path)
    boat("up", "-d", "-t", "1", seconds=30)
    assert boat.pids() == pids
    boat("down", "-v", "-t", "1")


def test_a_volume_whose_record_is_damaged_is_told_and_keeps_its_data(project: Callable[..., Windlass]) -> None:
    boat = project(FILE, PORT=str(free_port()))
    boat("up", "-d")
    boat("exec", "-T", "web", "touch", "/kept/log")
    boat("down")
    record = boat.roots.volumes / "boat_kept" / "volume.json"
    told = record.read_bytes()
    empty(record)
    said = boat("up", "-d", status=1).stderr
    assert "the record of the volume boat_kept cannot be read" in said
    assert (record.parent / "_data" / "log").exists()
    record.write_bytes(told)
    boat("up", "-d")
    boat("down", "-v")


@pytest.mark.parametrize(
    ("owner", "mode", "why"), [(12345, 0o700, "it belongs to user 12345"), (0, 0o707, "everybody")]
)
def test_roots_that_others_may_have_written_to_are_refused(
    project: Callable[..., Windlass], owner: int, mode: int, why: str
) -> None:
    boat = project(FILE, PORT=str(free_port()))
    os.chown(boat.roots.run, owner, -1)
    boat.roots.run.chmod(mode)
    said = boat("up", "-d", status=1).stderr
    assert said.startswith(f"{boat.roots.run} is not only root's: {why}")
    assert f"chown root:root {boat.roots.run}" in said
    os.chown(boat.roots.run, 0, -1)
    boat.roots.run.chmod(0o700)
