"""Volumes and networks whose definition changes under a stack that is up."""

from collections.abc import Callable

import pytest

from engine.volumes import VolumeStore
from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

FILE = """
services:
  db:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    volumes: [data:/data]
volumes:
  data: {{labels: {{tier: "{tier}"}}{options}}}
networks:
  default: {{labels: {{tier: "{net}"}}}}
"""


def test_a_changed_volume_keeps_its_data_unless_it_is_given_up(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE.format(tier=1, net=1, options=""))
    boat("up", "-d")
    boat("exec", "-T", "db", "touch", "/data/row")

    memory = ", driver_opts: {type: tmpfs, device: tmpfs}"
    project(FILE.format(tier=2, net=1, options=memory))
    told = boat("up", "-d").stderr
    assert "volume boat_data was made with other labels and options; it is used as it is" in told
    assert "nothing to do" in told
    assert boat("exec", "-T", "db", "ls", "/data").stdout == "row\n"

    boat("up", "-d", "-y")
    assert boat("exec", "-T", "db", "ls", "/data").stdout == ""
    assert "tmpfs" in boat("exec", "-T", "db", "grep", " /data ", "/proc/mounts").stdout
    assert boat("up", "-d", "-y").stderr.endswith("nothing to do.\n")

    project(FILE.format(tier=3, net=1, options=""))
    boat("up", "-d", "-y")
    volume = VolumeStore(boat.roots.volumes).find("boat_data")
    assert volume is not None
    assert volume.record.labels["tier"] == "3"
    assert len(volume.record.labels["com.docker.compose.config-hash"]) == 64
    boat("down", "-v")


def test_a_changed_network_is_made_anew_with_the_reason(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE.format(tier=1, net=1, options=""))
    boat("up", "-d")
    project(FILE.format(tier=1, net=2, options=""))
    planned = boat("plan").stdout
    assert "labels.tier changed: '1' -> '2'" in planned
    boat("up", "-d")
    assert boat("up", "-d").stderr.endswith("nothing to do.\n")
    boat("down", "-v")
