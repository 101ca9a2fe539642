"""What comes back after a boot."""

import os
import select
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from compose.doing.enabled import recall
from engine.syscalls import MNT_DETACH, umount2
from tests.ports import free_port
from tests.stacks.outside import eventually, fetch, kill_supervisor
from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "cat /pages/index.html && exec httpd -f -p 80 -h /pages"]
    ports: ["127.0.0.1:${PORT}:80"]
    stop_signal: SIGKILL
    restart: unless-stopped
    volumes: ["pages:/pages"]
    depends_on:
      setup: {condition: service_completed_successfully}
  setup:
    image: localhost/bb:1
    command: [sh, -c, "echo hauled >>/pages/index.html"]
    volumes: ["pages:/pages"]
  once:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
  tools:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    restart: always
    profiles: [tools]
volumes: {pages: }
"""


@pytest.fixture
def boat(project: Callable[..., Windlass], tmp_path: Path) -> Windlass:
    boat = project(FILE, PORT="${PORT}")
    del boat.environment["PORT"]
    (boat.directory / ".env").write_text(f"PORT={free_port()}\n")
    boat.environment["WINDLASS_UNITS"] = str(tmp_path / "units")
    (tmp_path / "units").mkdir()
    return boat


def page(boat: Windlass) -> str:
    port = (boat.directory / ".env").read_text().strip().removeprefix("PORT=")
    return eventually(lambda: fetch(f"http://127.0.0.1:{port}/"), "the page")


def end_of_the_boot(boat: Windlass, *, wipe: bool) -> None:
    """What the machine's end does to a stack: no process is left, nor what lies in memory."""
    place = boat.roots.stack("boat")
    kill_supervisor(boat)
    for pid in boat.pids().values():
        pidfd = os.pidfd_open(pid)
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        select.select([pidfd], [], [], 10)
        os.close(pidfd)
    while os.path.ismount(place.pins):
        umount2(place.pins, MNT_DETACH)
    subprocess.run(["nft", "delete", "table", "ip", f"windlass-{place.label}"], check=False)
    for group in (*Path("/sys/fs/cgroup").glob(f"windlass/{place.label}"), *_v1_groups(place.label)):
        for directory in (*group.glob("*"), group):
            if directory.is_dir():
                directory.rmdir()
    if wipe:
        shutil.rmtree(place.directory)
        for path in (*boat.roots.containers.iterdir(), *boat.roots.id_ranges.iterdir()):
            os.utime(path, (1, 1), follow_symlinks=False)  # older than the boot that begins now
        return
    ours = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for path in place.containers.glob("*/state.json"):  # a run root that is no memory: of another boot it tells
        path.write_text(path.read_text().replace(ours, "00000000-0000-4000-8000-000000000000"))


def _v1_groups(label: str) -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"*/windlass/{label}"))


@pytest.mark.parametrize("wipe", [True, False], ids=["run root in memory", "run root on disk"])
def test_services_with_a_restart_policy_come_back_with_what_they_depend_on(boat: Windlass, *, wipe: bool) -> None:
    boat("up", "-d")
    boat("enable")
    assert page(boat) == "hauled\n"
    end_of_the_boot(boat, wipe=wipe)

    boat.directory = Path("/")
    boat("restore")
    boat.directory = Path(recall(boat.roots)["boat"].directory)
    states = {name: (row["State"], row["ExitCode"]) for name, row in boat.ps().items()}
    assert states["boat-web-1"] == ("running", 0)
    assert states["boat-setup-1"] == ("exited", 0)
    assert states.get("boat-once-1", ("exited", 0))[0] == "exited"
    assert "boat-tools-1" not in states
    assert page(boat).startswith("hauled\n")
    assert boat.roots.stack("boat").supervisor_pid.read_text() == f"{boat.supervisor_pid()}\n"
    boat("restore")  # once more has nothing to do
    boat("down", "-v")
    boat("disable")
    assert boat("restore").stderr == ""


def test_a_killed_supervisor_is_replaced_by_restore_and_containers_go_on(boat: Windlass) -> None:
    boat("enable", "--now")
    pids = boat.pids()
    kill_supervisor(boat)
    boat("restore", "boat")
    assert boat.pids() == pids
    assert boat.roots.stack("boat").supervisor_pid.read_text() == f"{boat.supervisor_pid()}\n"
    boat("disable", "--now")
    assert not boat.pids()
    boat("down", "-v")


def test_systemd_takes_the_unit(boat: Windlass, tmp_path: Path) -> None:
    boat("--profile", "tools", "enable")
    unit = tmp_path / "units" / "windlass-boat.service"
    assert (tmp_path / "units" / "multi-user.target.wants" / unit.name).resolve() == unit
    assert recall(boat.roots)["boat"].profiles == ("tools",)
    if shutil.which("systemd-analyze"):
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
        )
        assert unit.name not in done.stderr, done.stderr
    boat("disable")
    assert not unit.exists()
    assert boat("disable").stderr == "Stack boat was not to come back after a boot.\n"


def test_a_stack_without_restart_policies_is_not_enabled(project: Callable[..., Windlass]) -> None:
    boat = project("services: {web: {image: localhost/bb:1}}\n")
    assert boat("enable", status=1).stderr == (
        "no service of stack boat has a restart policy: nothing would come back\n"
        "  hint: give those that should a line `restart: unless-stopped`\n"
    )
    assert boat("restore", "boat", status=1).stderr == (
        "stack boat is not enabled\n  hint: windlass enable, in its directory, enables it\n"
    )
