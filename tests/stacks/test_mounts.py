"""Volumes with options, lent volumes and mounted images in real stacks."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

FILE = """
services:
  store:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    volumes:
      - host:/host
      - memory:/memory
      - plain:/plain
      - {type: volume, source: plain, target: /part, volume: {subpath: sub}}
      - {type: image, source: localhost/bb:1, target: /image}
    depends_on: {first: {condition: service_completed_successfully}}
  first:
    image: localhost/bb:1
    command: [mkdir, -p, /plain/sub]
    volumes: [plain:/plain]
  reader:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    volumes_from: ["store:ro"]
volumes:
  host: {driver_opts: {type: none, o: bind, device: ./kept}}
  memory: {driver_opts: {type: tmpfs, device: tmpfs, o: "size=1m,uid=7"}}
  plain: {labels: {tier: "${TIER:-gold}"}}
"""


@pytest.fixture
def boat(project: Callable[..., Windlass]) -> Windlass:
    boat = project(FILE)
    (boat.directory / "kept").mkdir()
    return boat


def test_volumes_are_what_their_options_name_for_all_containers(boat: Windlass) -> None:
    boat("up", "-d")
    boat("exec", "-T", "store", "sh", "-c", "echo kept >/host/file; echo brief >/memory/file; echo deep >/part/file")
    assert (boat.directory / "kept" / "file").read_text() == "kept\n"
    said = boat("exec", "-T", "reader", "sh", "-c", "cat /host/file /memory/file /plain/sub/file; stat -c %u /memory")
    assert said.stdout == "kept\nbrief\ndeep\n7\n"
    refused = boat("exec", "-T", "reader", "touch", "/host/x", "/plain/x", status=None).stderr
    assert refused.count("Read-only file system") == 2
    assert "1.0M" in boat("exec", "-T", "store", "df", "-h", "/memory").stdout
    image = boat("exec", "-T", "store", "sh", "-c", "ls /image/bin | wc -l; touch /image/x", status=None)
    assert int(image.stdout) > 10
    assert "Read-only file system" in image.stderr

    os.kill(boat.supervisor_pid(), signal.SIGKILL)
    assert boat("up", "-d").stderr.endswith("nothing to do.\n")
    boat("down")
    boat("up", "-d")
    assert boat("exec", "-T", "store", "cat", "/host/file").stdout == "kept\n"
    assert boat("exec", "-T", "store", "ls", "/memory").stdout == ""
    boat("down", "-v")
    assert (boat.directory / "kept" / "file").read_text() == "kept\n"


def test_another_definition_of_a_volume_is_told_and_the_data_stay(boat: Windlass) -> None:
    boat("up", "-d")
    boat.environment["TIER"] = "tin"
    told = boat("up", "-d").stderr
    assert "volume boat_plain was made with other labels; it is used as it is" in told
    boat("down", "-v")


def test_what_cannot_be_mounted_is_told_and_nothing_stays(boat: Windlass) -> None:
    (boat.directory / "kept").rmdir()
    failed = boat("up", "-d", status=None)
    assert failed.returncode == 1
    assert f"cannot mount {boat.directory}/kept (none) as the volume boat_host: No such file" in failed.stderr
    assert not (boat.roots.volumes / "boat_host").exists()
    boat("down", "-v")
