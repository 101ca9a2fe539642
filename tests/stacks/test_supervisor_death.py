"""kill -9 of the supervisor costs nothing."""

import socket
from collections.abc import Callable

from tests.ports import free_port
from tests.stacks.outside import eventually, fetch, kill_supervisor
from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "echo hauled >/tmp/index.html; exec httpd -f -p 80 -h /tmp"]
    ports: ["127.0.0.1:${WEB_PORT}:80"]
    stop_signal: SIGKILL
  parrot:
    image: localhost/bb:1
    command: [sh, -c, "while true; do nc -l -p 7; done"]
    ports: ["127.0.0.1:${PARROT_PORT}:7"]
    stop_signal: SIGKILL
    depends_on: [web]
"""


def _say(port: int, word: str) -> bool:
    """Sends a line that the parrot prints."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"{word}\n".encode())
    return True


def _spoken(boat: Windlass) -> list[str]:
    return boat("logs", "--no-log-prefix", "parrot").stdout.split()


def test_containers_keep_running_and_serving_and_nothing_said_meanwhile_is_lost(
    project: Callable[..., Windlass],
) -> None:
    web, parrot = free_port(), free_port()
    boat = project(FILE, WEB_PORT=str(web), PARROT_PORT=str(parrot))
    boat("up", "-d")
    pids = boat.pids()
    eventually(lambda: _say(parrot, "before"), "the parrot listens")
    eventually(lambda: "before" in boat("logs", "parrot").stdout, "what was said before")

    kill_supervisor(boat)
    assert eventually(lambda: fetch(f"http://127.0.0.1:{web}/"), "the page without a supervisor") == "hauled\n"
    eventually(lambda: _say(parrot, "meanwhile"), "the parrot listens still")
    assert {name: container["State"] for name, container in boat.ps().items()} == {
        "boat-parrot-1": "running",
        "boat-web-1": "running",
    }

    boat("up", "-d")
    assert boat.pids() == pids
    eventually(lambda: _say(parrot, "after"), "the parrot listens to the new supervisor's reader")
    spoken = eventually(lambda: said if len(said := _spoken(boat)) == 3 else None, "three words in the log")
    assert spoken == ["before", "meanwhile", "after"]
    assert fetch(f"http://127.0.0.1:{web}/") == "hauled\n"
    boat("down")


def test_down_right_after_the_death_leaves_nothing(project: Callable[..., Windlass]) -> None:
    boat = project(FILE, WEB_PORT=str(free_port()), PARROT_PORT=str(free_port()))
    boat("up", "-d")
    kill_supervisor(boat)
    boat("down")
    assert boat.ps() == {}


def test_exec_works_after_the_death(project: Callable[..., Windlass]) -> None:
    boat = project(FILE, WEB_PORT=str(free_port()), PARROT_PORT=str(free_port()))
    boat("up", "-d")
    kill_supervisor(boat)
    assert boat("exec", "-T", "web", "cat", "/tmp/index.html").stdout == "hauled\n"
    assert boat("exec", "-T", "parrot", "wget", "-q", "-O", "-", "http://web/").stdout == "hauled\n"
    boat("down")
