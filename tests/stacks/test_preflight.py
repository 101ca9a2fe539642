"""What `up` looks at before it makes anything."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.stacks.conftest import Install
from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

FILE = """\
services:
  db: {{image: localhost/bb:1, command: [sleep, "1000"], stop_signal: SIGKILL}}
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    depends_on: [db]
    ports: ["80", "127.0.0.1:{port}:80"]
"""


def test_a_port_that_a_program_has_is_told_with_its_place_before_anything_is_made(
    project: Callable[[str], Windlass],
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        boat = project(FILE.format(port=port))
        refused = boat("up", "-d", status=1).stderr
        name = Path("/proc/self/comm").read_text().strip()
        assert refused.startswith(
            f"compose.yaml:8:19: services.web cannot publish 127.0.0.1:{port}/tcp: "
            f"the port is taken by {name} (pid {os.getpid()}) [WL209]\n"
        )
        assert "hint: stop it, or publish another port: " in refused
        assert boat.ps() == {}
        assert not boat.roots.stack("boat").networks.exists()

        planned = boat("plan")
        assert f"the port is taken by {name} (pid {os.getpid()})" in planned.stderr
        assert "create  container  boat-web-1" in planned.stdout
        boat("up", "-d", "db")
    boat("up", "-d")
    assert boat("up", "-d", "--force-recreate").stderr.count("Started") == 2
    boat("down")


def test_a_port_that_another_stack_has_is_told_with_its_container(
    project: Callable[[str], Windlass], installed: Install, tmp_path: Path
) -> None:
    port = free_port()
    boat = project(FILE.format(port=port))
    boat("up", "-d")
    other = tmp_path / "ship"
    other.mkdir()
    (other / "compose.yaml").write_text(FILE.format(port=port))
    ship = installed(other, "ship", {})
    refused = ship("up", "-d", status=1).stderr
    assert f":{port}/tcp: the port is taken by the container boat-web-1 of the stack boat [WL209]" in refused
    assert ship.ps() == {}
    boat("stop")
    ship("up", "-d")
    assert (
        f"{port}/tcp: the port is taken by the container ship-web-1 of the stack ship"
        in boat("up", "-d", status=1).stderr
    )
    ship("down")
    boat("up", "-d")
    boat("down")


def test_a_port_moves_from_one_service_to_another_but_not_from_an_orphan(project: Callable[[str], Windlass]) -> None:
    port = free_port()
    file = FILE.format(port=port)
    boat = project(file)
    boat("up", "-d")
    moved = file.replace("  db:", "  later:").replace("[db]", "[later]").replace("  web:", "  page:")
    project(moved)
    refused = boat("up", "-d", status=1).stderr
    assert "the port is taken by the container boat-web-1 of this stack" in refused
    boat("up", "-d", "--remove-orphans")
    assert sorted(boat.ps()) == ["boat-later-1", "boat-page-1"]
    boat("down")


def test_all_that_is_missing_on_the_host_is_told_at_once(project: Callable[[str], Windlass]) -> None:
    boat = project("""\
services:
  web:
    image: localhost/bb:1
    volumes:
      - ./site.conf:/etc/site.conf
      - far:/data
volumes:
  far: {external: true, name: far-away}
""")
    refused = boat("up", "-d", status=1).stderr.splitlines()
    assert [line.split(" ")[0] for line in refused if line.startswith("compose.yaml")] == [
        "compose.yaml:5:9:",
        "compose.yaml:8:3:",
    ]
    assert any("external volume far-away does not exist" in line for line in refused)
    assert boat.ps() == {}
    boat("down")
