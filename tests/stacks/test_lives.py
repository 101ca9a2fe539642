"""Logging, shared memory, attachment and metadata of services in real containers."""

import os
import signal
from collections.abc import Callable

import pytest

from engine.records import read_records
from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "seq 20000; exec sleep 1000"]
    stop_signal: SIGKILL
    shm_size: 12m
    annotations: {team: blue}
    logging: {options: {max-size: 20k, max-file: "2"}}
    deploy: {labels: {a: b}}
    develop: {watch: [{path: ., action: rebuild}]}
  mute:
    image: localhost/bb:1
    command: [sh, -c, "echo hush; exec sleep 1000"]
    stop_signal: SIGKILL
    logging: {driver: none}
"""


def test_logs_keep_to_their_limits_and_none_keeps_nothing(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    done = boat("up", "-d")
    assert "services.web.deploy: labels has no effect on a single host" in done.stderr
    place = boat.roots.stack("boat")
    records = {record.spec.service: record for record in read_records(place)}
    assert boat("exec", "-T", "web", "df", "-k", "/dev/shm").stdout.split()[-5:-4] == ["12288"]
    assert boat.ps()["boat-web-1"]["Annotations"] == {"team": "blue"}

    os.kill(boat.supervisor_pid(), signal.SIGKILL)
    boat("up", "-d")
    boat("exec", "-T", "web", "sh", "-c", "echo end >/proc/1/fd/1; echo hush >/proc/1/fd/1")
    boat("exec", "-T", "mute", "sh", "-c", "head -c 200000 /dev/zero >/proc/1/fd/1")
    sizes = {path.name: path.stat().st_size for path in place.data(records["web"].spec.id).glob("log*")}
    assert sorted(sizes) == ["log", "log.1"]
    assert not list(place.data(records["mute"].spec.id).glob("log*"))
    told = boat("logs", "mute")
    assert told.stdout == ""
    assert "boat-mute-1 keeps no logs: its logging driver is 'none'" in told.stderr
    boat("down")


def test_a_service_that_is_not_attached_stays_silent_in_the_foreground(project: Callable[..., Windlass]) -> None:
    boat = project(
        """
services:
  loud: {image: localhost/bb:1, command: [echo, hear me]}
  quiet: {image: localhost/bb:1, command: [echo, never mind], attach: false}
"""
    )
    done = boat("up", "--no-color")
    assert "hear me" in done.stdout
    assert "quiet" not in done.stdout
    assert "never mind" in boat("logs").stdout
    boat("down")


def test_a_deployments_restart_policy_gives_up_after_its_attempts(project: Callable[..., Windlass]) -> None:
    boat = project(
        """
services:
  job:
    image: localhost/bb:1
    command: ["false"]
    deploy: {restart_policy: {condition: on-failure, delay: 10ms, max_attempts: 2, window: 1m}}
"""
    )
    boat("up")
    assert boat.ps()["boat-job-1"]["State"] == "exited"
    assert [record.state.restarts for record in read_records(boat.roots.stack("boat"))] == [2]
    boat("down")
