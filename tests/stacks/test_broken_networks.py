"""A stack whose network somebody has taken apart goes away all the same, and comes up again."""

import os
import select
import shutil
import subprocess
import urllib.request
from collections.abc import Callable

import pytest

from engine.layout import StackLayout
from engine.syscalls import MNT_DETACH, umount2
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
    networks: [front, back]
  sleeper:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    networks: [back]
networks:
  front:
  back: {internal: true}
"""


def leave(_place: StackLayout) -> None:
    pass


def remove_router_pin(place: StackLayout) -> None:
    umount2(place.router_pin, MNT_DETACH)


def remove_all_pins(place: StackLayout) -> None:
    while os.path.ismount(place.pins):
        umount2(place.pins, MNT_DETACH)


def remove_bridges(place: StackLayout) -> None:
    _in_router(place, "ip -o link show type bridge | cut -d: -f2 | xargs -rn1 ip link delete")


def remove_host_link(place: StackLayout) -> None:
    subprocess.run(["ip", "link", "delete", f"windl{place.token}"], check=True)


def remove_host_table(place: StackLayout) -> None:
    subprocess.run(["nft", "delete", "table", "ip", f"windlass-{place.label}"], check=True)


def _in_router(place: StackLayout, script: str) -> None:
    subprocess.run(["nsenter", f"--net={place.router_pin}", "sh", "-c", script], check=True)


@pytest.mark.parametrize("alive", [True, False], ids=["supervised", "unsupervised"])
@pytest.mark.parametrize(
    "damage", [remove_router_pin, remove_all_pins, remove_bridges, remove_host_link, remove_host_table]
)
def test_down_leaves_nothing(
    project: Callable[..., Windlass], damage: Callable[[StackLayout], None], *, alive: bool
) -> None:
    port = free_port()
    boat = project(FILE, PORT=str(port))
    boat("up", "-d")
    if not alive:
        kill_supervisor(boat)
    damage(boat.roots.stack("boat"))
    boat("down")
    assert not boat.roots.stack("boat").directory.exists()

    boat("up", "-d")
    assert eventually(lambda: fetch(f"http://127.0.0.1:{port}/"), "the page of the next stack") == "hauled\n"
    boat("down")


@pytest.mark.parametrize("alive", [True, False], ids=["supervised", "unsupervised"])
@pytest.mark.parametrize("damage", [leave, remove_all_pins])
@pytest.mark.parametrize("verb", ["up", "down"])
def test_a_stack_whose_directory_was_removed_leaves_nothing_either(
    project: Callable[..., Windlass], damage: Callable[[StackLayout], None], verb: str, *, alive: bool
) -> None:
    port = free_port()
    boat = project(FILE, PORT=str(port))
    boat("up", "-d")
    place = boat.roots.stack("boat")
    before = os.pidfd_open(boat.supervisor_pid())
    if not alive:
        kill_supervisor(boat)
    damage(place)
    shutil.rmtree(place.directory, ignore_errors=True)
    select.select([before], [], [], 10)  # a supervisor without a directory ends by itself
    os.close(before)
    if verb == "up":
        boat("up", "-d")
        assert eventually(lambda: fetch(f"http://127.0.0.1:{port}/"), "the page of the next stack") == "hauled\n"
    assert "not there" not in boat("down").stderr


@pytest.mark.parametrize("damage", [remove_bridges, remove_host_link, remove_host_table])
def test_a_living_supervisor_mends_it_within_five_seconds(
    project: Callable[..., Windlass], damage: Callable[[StackLayout], None]
) -> None:
    port = free_port()
    boat = project(FILE, PORT=str(port))
    boat("up", "-d")
    pids = boat.pids()
    damage(boat.roots.stack("boat"))
    assert eventually(lambda: _page(port), "the page", seconds=5) == "hauled\n"
    assert boat("exec", "-T", "sleeper", "wget", "-q", "-O", "-", "http://web/").stdout == "hauled\n"
    assert boat.pids() == pids
    boat("down")


@pytest.mark.parametrize("damage", [remove_router_pin, remove_all_pins, remove_bridges, remove_host_link])
def test_the_next_up_mends_it_without_touching_containers(
    project: Callable[..., Windlass], damage: Callable[[StackLayout], None]
) -> None:
    port = free_port()
    boat = project(FILE, PORT=str(port))
    boat("up", "-d")
    pids = boat.pids()
    damage(boat.roots.stack("boat"))
    kill_supervisor(boat)
    boat("up", "-d")
    assert eventually(lambda: _page(port), "the page", seconds=5) == "hauled\n"
    assert boat("exec", "-T", "sleeper", "wget", "-q", "-O", "-", "http://web/").stdout == "hauled\n"
    assert boat.pids() == pids
    boat("down")


@pytest.mark.parametrize("damage", [remove_router_pin, remove_all_pins])
def test_what_was_let_go_of_is_pinned_again(
    project: Callable[..., Windlass], damage: Callable[[StackLayout], None]
) -> None:
    boat = project(FILE, PORT=str(free_port()))
    boat("up", "-d")
    place = boat.roots.stack("boat")
    damage(place)
    pins = [place.router_pin, *(place.pins / path.name for path in place.containers.iterdir())]
    eventually(lambda: all(map(os.path.ismount, pins)), "the pins", seconds=5)
    boat("down")


def _page(port: int) -> str:
    """The page, or what is there soon when packets go nowhere."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=0.5) as answer:
        return str(answer.read().decode())
