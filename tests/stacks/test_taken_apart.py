"""A stack of which somebody removes or blocks a part by hand: it is healed, or goes away all the same."""

import re
import shutil
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
    stop_signal: SIGKILL
  sleeper:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
"""


def every(boat: Windlass, pattern: str) -> list[Path]:
    return sorted(boat.roots.stack(boat.stack).directory.glob(pattern))


def records_of(boat: Windlass) -> list[Path]:
    patterns = ("containers/*/spec.json", "containers/*/state.json", "networks/*/network.json", "networks/*/leases/*")
    return sorted(path for pattern in patterns for path in every(boat, pattern))


def cgroups(boat: Windlass) -> list[Path]:
    """The control groups of the stack's containers that hold processes, of every hierarchy."""
    label = boat.roots.stack(boat.stack).label
    root = Path("/sys/fs/cgroup")
    found = [*root.glob(f"windlass/{label}/*"), *root.glob(f"*/windlass/{label}/*")]
    return [path for path in found if path.is_dir() and (path / "cgroup.procs").read_text()]


def remove_container_directories(boat: Windlass) -> None:
    shutil.rmtree(boat.roots.stack(boat.stack).containers)


def remove_one_container_directory(boat: Windlass) -> None:
    shutil.rmtree(every(boat, "containers/*")[0])


def remove_network_records(boat: Windlass) -> None:
    shutil.rmtree(boat.roots.stack(boat.stack).networks)


def remove_fifos(boat: Windlass) -> None:
    for path in (*every(boat, "containers/*/stdout"), *every(boat, "containers/*/stderr")):
        path.unlink()


def remove_identity_files(boat: Windlass) -> None:
    for path in every(boat, "containers/*/etc"):
        shutil.rmtree(path)


def remove_layers(boat: Windlass) -> None:
    shutil.rmtree(boat.roots.containers)


def freeze(boat: Windlass) -> None:
    for group in cgroups(boat):
        if (group / "cgroup.freeze").exists():
            (group / "cgroup.freeze").write_text("1")


def take_out_of_cgroups(boat: Windlass) -> None:
    """Moves every process to the root of its hierarchy, then removes the group."""
    for group in cgroups(boat):
        top = group.parents[2]
        for pid in (group / "cgroup.procs").read_text().split():
            (top / "cgroup.procs").write_text(pid)
        group.rmdir()


def remove_locks(boat: Windlass) -> None:
    for path in every(boat, "*.lock"):
        path.unlink()


def remove_leases(boat: Windlass) -> None:
    shutil.rmtree(boat.roots.id_ranges)


OF_RECORDS = (
    remove_container_directories,
    remove_one_container_directory,
    remove_network_records,
    remove_fifos,
)
DAMAGES = (
    *OF_RECORDS,
    remove_identity_files,
    remove_layers,
    freeze,
    take_out_of_cgroups,
    remove_locks,
    remove_leases,
)


@pytest.mark.parametrize("alive", [True, False], ids=["supervised", "unsupervised"])
@pytest.mark.parametrize("damage", OF_RECORDS)
def test_down_leaves_nothing(
    project: Callable[..., Windlass], damage: Callable[[Windlass], None], *, alive: bool
) -> None:
    boat = project(FILE, PORT=str(free_port()))
    boat("up", "-d")
    if not alive:
        kill_supervisor(boat)
    damage(boat)
    boat("down", "-t", "2", seconds=20)
    assert not boat.roots.stack("boat").directory.exists()


def without_troubles(record: bytes) -> bytes:
    """A record without what it says of FIFOs that went with the directory."""
    return re.sub(rb'"troubles":\[[^]]*\]', b'"troubles":[]', record)


@pytest.mark.parametrize("damage", [remove_container_directories, remove_network_records])
def test_records_are_written_again_under_a_living_supervisor(
    project: Callable[..., Windlass], damage: Callable[[Windlass], None]
) -> None:
    boat = project(FILE, PORT=str(free_port()))
    boat("up", "-d")
    before = {path: path.read_bytes() for path in records_of(boat)}
    damage(boat)
    eventually(lambda: records_of(boat) == sorted(before), "the records", seconds=5)
    assert {path: without_troubles(path.read_bytes()) for path in records_of(boat)} == before
    assert "written again" in boat.supervisor_log()
    boat("down")


@pytest.mark.parametrize("alive", [True, False], ids=["supervised", "unsupervised"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_the_next_up_serves(
    project: Callable[..., Windlass], damage: Callable[[Windlass], None], *, alive: bool
) -> None:
    port = free_port()
    boat = project(FILE, PORT=str(port))
    boat("up", "-d")
    if not alive:
        kill_supervisor(boat)
    damage(boat)
    boat("up", "-d", "--force-recreate", "-t", "2", seconds=20)
    assert eventually(lambda: fetch(f"http://127.0.0.1:{port}/"), "the page") == "hauled\n"
    assert {name: row["State"] for name, row in boat.ps().items()} == {
        "boat-web-1": "running",
        "boat-sleeper-1": "running",
    }
    boat("down", "-t", "2")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (remove_fifos, "its output's FIFO was removed"),
        (remove_layers, "its writable layer was removed"),
        (freeze, "somebody froze it: echo 0 >"),
        (take_out_of_cgroups, "no limit holds; `windlass restart`"),
    ],
)
def test_what_cannot_be_put_back_is_told_within_five_seconds(
    project: Callable[..., Windlass], damage: Callable[[Windlass], None], told: str
) -> None:
    boat = project(FILE, PORT=str(free_port()))
    boat("up", "-d")
    pids = boat.pids()
    damage(boat)
    said = eventually(lambda: said if told in (said := boat("ps").stderr) else "", "the trouble in ps", seconds=5)
    assert told in said.partition("warning: boat-sleeper-1: ")[2]
    assert '"action":"trouble"' in boat("events", "--since", "1m", "--until", "0s", "--json").stdout.replace(": ", ":")
    assert boat.pids() == pids
    boat("up", "-d", "--force-recreate", "-t", "2", seconds=20)
    assert boat("ps").stderr == ""
    boat("down", "-t", "2")


def test_trouble_that_is_over_is_told_no_more(project: Callable[..., Windlass]) -> None:
    boat = project(FILE, PORT=str(free_port()))
    boat("up", "-d")
    freeze(boat)
    eventually(lambda: "froze it" in boat("ps").stderr, "the trouble in ps", seconds=5)
    for group in cgroups(boat):
        if (group / "cgroup.freeze").exists():
            (group / "cgroup.freeze").write_text("0")
    eventually(lambda: boat("ps").stderr == "", "no trouble", seconds=5)
    boat("down", "-t", "2")


def test_exec_says_that_the_control_group_is_gone(project: Callable[..., Windlass]) -> None:
    boat = project(FILE, PORT=str(free_port()))
    boat("up", "-d")
    take_out_of_cgroups(boat)
    said = boat("exec", "-T", "web", "true", status=None).stderr
    assert "is gone\n  hint: windlass restart makes the container's anew\n" in said
    boat("restart")
    boat("exec", "-T", "web", "true")
    boat("down")
