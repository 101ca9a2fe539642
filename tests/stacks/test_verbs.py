"""The verbs on a real stack: what they do, print and end with."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.stacks.product import Windlass


def kernel() -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "echo listening; echo careful >&2; exec sleep 1000"]
    stop_signal: SIGKILL
    environment: {DEBUG: "${DEBUG:-0}"}
    scale: ${REPLICAS:-1}
    depends_on: [db]
  db:
    image: localhost/bb:1
    command: [sh, -c, "echo storing; exec sleep 1000"]
    stop_signal: SIGKILL
    volumes: ["data:/data", /scratch]
volumes:
  data:
"""


def test_plan_and_dry_run_tell_and_change_nothing(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    expected = (
        "Stack boat:\n  create  network    boat_default  new network\n  create  volume     boat_data     new volume\n"
    )
    for words in (("plan",), ("up", "--dry-run")):
        done = boat(*words)
        assert done.stdout.startswith(expected)
        assert done.stderr == ""
    assert not boat.roots.stack("boat").directory.exists()
    assert not boat.roots.volumes.exists()


def test_a_second_up_does_nothing_and_a_change_recreates_what_it_concerns(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    before = boat.pids()
    assert boat("up", "-d").stderr.endswith("Stack boat is as its file asks: nothing to do.\n")
    assert boat.pids() == before

    boat.environment["DEBUG"] = "1"
    assert "create  container  boat-web-1  environment.DEBUG changed: '0' -> '1'" in boat("plan").stdout
    boat("up", "-d")
    after = boat.pids()
    assert after["boat-db-1"] == before["boat-db-1"]
    assert after["boat-web-1"] != before["boat-web-1"]
    assert boat("exec", "-T", "web", "sh", "-c", "echo $DEBUG").stdout == "1\n"
    boat("down")


def test_scaling_up_and_down_keeps_the_others(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    before = boat.pids()
    boat("up", "-d", "--scale", "web=3")
    scaled = boat.pids()
    assert sorted(scaled) == ["boat-db-1", "boat-web-1", "boat-web-2", "boat-web-3"]
    assert scaled["boat-web-1"] == before["boat-web-1"]
    assert boat("exec", "-T", "--index", "3", "web", "hostname").stdout[:12] in boat("ps", "-q").stdout
    boat("up", "-d")
    assert boat.pids() == before
    boat("down")


def test_down_keeps_volumes_and_down_v_removes_them(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    boat("exec", "-T", "db", "sh", "-c", "echo kept >/data/file; echo kept >/scratch/file")
    boat("down")
    boat("up", "-d")
    assert boat("exec", "-T", "db", "cat", "/data/file", "/scratch/file").stdout == "kept\nkept\n"
    boat("down", "-v")
    assert list(boat.roots.volumes.iterdir()) == []
    assert boat("down", "-v").stderr == "Stack boat is not there: nothing to do.\n"


def test_down_needs_no_file(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    (boat.directory / "compose.yaml").write_text("services: [broken")
    assert "down goes on" in boat("-p", "boat", "-f", "compose.yaml", "down").stderr
    assert not boat.roots.stack("boat").directory.exists()


def test_orphans_are_told_of_and_removed_when_asked(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    project(FILE.replace("  db:", "  store:").replace("depends_on: [db]", "depends_on: [store]"))
    assert "orphan containers (boat-db-1)" in boat("up", "-d").stderr
    assert "boat-db-1" in boat.pids()
    boat("up", "-d", "--remove-orphans")
    assert sorted(boat.pids()) == ["boat-store-1", "boat-web-1"]
    boat("down")


def test_the_same_name_in_another_directory_is_refused(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    other = boat.directory.parent / "other"
    other.mkdir()
    (other / "compose.yaml").write_text(FILE)
    before = boat.pids()
    refused = boat("-f", str(other / "compose.yaml"), "-p", "boat", "up", "-d", status=1)
    assert f"stack boat belongs to {boat.directory}, not to {other}" in refused.stderr
    assert boat.pids() == before
    boat("down")


def test_ps_lists_as_table_json_lines_ids_and_services(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    table = boat("ps").stdout.splitlines()
    assert table[0].split() == ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"]
    assert [line.split()[0] for line in table[1:]] == ["boat-db-1", "boat-web-1"]
    lines = [json.loads(line) for line in boat("ps", "--format", "json").stdout.splitlines()]
    assert [(line["Name"], line["State"]) for line in lines] == [("boat-db-1", "running"), ("boat-web-1", "running")]
    assert boat("ps", "--services").stdout == "db\nweb\n"
    assert len(boat("ps", "-q", "web").stdout) == 65
    assert "no such service: wbe" in boat("ps", "wbe", status=1).stderr
    boat("down")
    assert len(boat("ps", "-a").stdout.splitlines()) == 1


def test_logs_show_who_said_what_in_order(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    assert sorted(boat("logs").stdout.splitlines()) == ["db-1   | storing", "web-1  | careful", "web-1  | listening"]
    assert boat("logs", "--no-log-prefix", "db").stdout == "storing\n"
    assert boat("logs", "-n", "1", "db").stdout == "db-1  | storing\n"
    stamped = boat("logs", "-t", "db").stdout.split()
    assert stamped[2].endswith("Z")
    boat("down")


def test_logs_follow_until_the_containers_end(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    with boat.start("logs", "-f", "db", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as logs:
        assert logs.stdout is not None
        assert logs.stdout.readline() == "db-1  | storing\n"
        boat("exec", "-T", "db", "sh", "-c", "echo later >/proc/1/fd/1")
        assert logs.stdout.readline() == "db-1  | later\n"
        boat("down")
        rest, errors = logs.communicate(timeout=20)
    assert "db-1 exited with code 137" in rest
    assert (logs.returncode, errors) == (0, "")


def test_ctrl_c_ends_following_quietly(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    with boat.start("logs", "-f", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as logs:
        assert logs.stdout is not None
        logs.stdout.readline()
        logs.send_signal(signal.SIGINT)
        _, errors = logs.communicate(timeout=20)
    assert (logs.returncode, errors) == (130, "")
    boat("down")


def test_exec_passes_streams_user_directory_environment_and_status_on(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    done = boat("exec", "-T", "web", "sh", "-c", "cat; echo oops >&2; exit 7", text="words\n", status=7)
    assert (done.stdout, done.stderr) == ("words\n", "oops\n")
    done = boat("exec", "-u", "65534", "-w", "/tmp", "-e", "A=b", "web", "sh", "-c", "id -un; pwd; echo $A")
    assert done.stdout == "nobody\n/tmp\nb\n"
    assert "nope" in boat("exec", "web", "nope", status=127).stderr
    assert "/etc/passwd" in boat("exec", "web", "/etc/passwd", status=126).stderr
    assert boat("exec", "web", "sh", "-c", "kill -9 $$", status=137).stdout == ""
    assert "no such service: wbe" in boat("exec", "wbe", "true", status=1).stderr
    big = boat("exec", "-T", "web", "sh", "-c", "yes | head -c 3000000").stdout
    assert len(big) == 3_000_000
    boat("down")


def test_exec_detached_leaves_the_program_to_itself(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    boat("exec", "-T", "web", "mkfifo", "/tmp/done")
    boat("exec", "-d", "web", "sh", "-c", "echo finished >/tmp/done")
    assert boat("exec", "-T", "web", "cat", "/tmp/done").stdout == "finished\n"
    boat("down")


def test_an_interrupted_exec_ends_its_program(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    with boat.start("exec", "-T", "web", "sh", "-c", "echo on; exec sleep 1000", stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=20) == 130
    boat("down")


@pytest.mark.skipif(kernel() < (6, 15), reason="the kernel tells no status of what it reaped itself")
def test_a_stopped_exec_does_not_keep_its_container_from_ending(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    with boat.start("exec", "-T", "web", "sh", "-c", "echo on; exec sleep 1000", stdout=subprocess.PIPE) as stopped:
        assert stopped.stdout is not None
        stopped.stdout.readline()
        stopped.send_signal(signal.SIGSTOP)
        boat("down", seconds=10)
        stopped.send_signal(signal.SIGCONT)
        assert stopped.wait(timeout=20) == 137


def test_images_lists_what_the_containers_use(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    found = json.loads(boat("images", "--format", "json").stdout)
    assert [(image["ContainerName"], image["Repository"], image["Tag"]) for image in found] == [
        ("boat-db-1", "localhost/bb", "1"),
        ("boat-web-1", "localhost/bb", "1"),
    ]
    boat("down")


def test_up_waits_for_health_and_says_what_it_waits_for(project: Callable[..., Windlass]) -> None:
    boat = project(
        "services:\n"
        "  web:\n"
        "    image: localhost/bb:1\n"
        "    command: [sleep, '1000']\n"
        "    stop_signal: SIGKILL\n"
        "    healthcheck: {test: [CMD, test, -e, /tmp/ready], interval: 100s, start_period: 100s}\n"
    )
    done = boat("up", "--wait", "--wait-timeout", "1", status=1)
    assert "application not healthy after 1s" in done.stderr
    assert "still waiting for: boat-web-1" in done.stderr
    boat("exec", "-T", "web", "touch", "/tmp/ready")
    boat("up", "--wait")
    assert boat.ps()["boat-web-1"]["Health"] == "healthy"
    boat("down")


def test_a_dependency_that_fails_is_told_and_its_dependants_stay_down(project: Callable[..., Windlass]) -> None:
    boat = project(
        "services:\n"
        "  web: {image: localhost/bb:1, command: [sleep, '9'],"
        " depends_on: {job: {condition: service_completed_successfully}}}\n"
        "  job: {image: localhost/bb:1, command: [sh, -c, 'exit 3']}\n"
    )
    done = boat("up", "-d", status=1)
    assert "boat-job-1" in done.stderr
    assert "3" in done.stderr
    assert "boat-web-1" not in boat.ps()  # what never ran is taken back
    boat("down")


def test_completed_jobs_are_not_run_again(project: Callable[..., Windlass]) -> None:
    boat = project(
        "services:\n"
        "  web: {image: localhost/bb:1, command: [sleep, '1000'], stop_signal: SIGKILL,"
        " depends_on: {job: {condition: service_completed_successfully}}}\n"
        "  job: {image: localhost/bb:1, command: [sh, -c, 'echo ran'], volumes: ['log:/log']}\n"
        "volumes: {log: {}}\n"
    )
    boat("up", "-d")
    boat("up", "-d")
    assert boat("logs", "--no-log-prefix", "job").stdout == "ran\n"
    boat("down", "-v")
