"""What `up` does again, what it leaves alone, whose things it touches."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stacks.conftest import Install
from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

JOBS = """
services:
  seed:
    image: localhost/bb:1
    command: [sh, -c, "echo seeded >>/data/log"]
    volumes: [data:/data, /scratch]
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    volumes: [data:/data, /scratch]
    environment: {A: "${A:-1}"}
volumes: {data: {}}
"""


def test_finished_work_is_not_done_again_unless_asked(project: Callable[..., Windlass]) -> None:
    boat = project(JOBS)
    boat("up", "-d")
    boat("wait", "seed")
    again = boat("up", "-d")
    assert "finished before, not run again: boat-seed-1 (--rerun-jobs runs all again)" in again.stderr
    assert "nothing to do" in again.stderr
    assert boat("exec", "-T", "web", "cat", "/data/log").stdout == "seeded\n"

    boat("up", "-d", "--rerun-jobs")
    boat("wait", "seed")
    assert boat("exec", "-T", "web", "cat", "/data/log").stdout == "seeded\nseeded\n"
    boat("down", "-v")


def test_anonymous_volumes_stay_until_they_are_renewed(project: Callable[..., Windlass]) -> None:
    boat = project(JOBS)
    boat("up", "-d")
    boat("exec", "-T", "web", "touch", "/scratch/mine")
    boat.environment["A"] = "2"
    boat("up", "-d")
    assert boat("exec", "-T", "web", "ls", "/scratch").stdout == "mine\n"

    boat("up", "-d", "-V")
    assert boat("exec", "-T", "web", "ls", "/scratch").stdout == ""
    assert boat("exec", "-T", "web", "ls", "/data").stdout == "log\n"
    boat("down", "-v")


def test_another_checkouts_stack_is_not_touched(
    project: Callable[..., Windlass], installed: Install, tmp_path: Path
) -> None:
    boat = project(JOBS)
    boat("up", "-d")
    twin_directory = tmp_path / "twin" / "boat"
    twin_directory.mkdir(parents=True)
    (twin_directory / "compose.yaml").write_text(JOBS)
    twin = installed(twin_directory, "boat", {})

    for verb in (("up", "-d"), ("down",), ("stop",), ("kill", "web"), ("rm", "-f"), ("exec", "-T", "web", "true")):
        refused = twin(*verb, status=1).stderr
        assert f"stack boat belongs to {boat.directory}, not to {twin_directory}" in refused
    assert boat.ps()["boat-web-1"]["State"] == "running"

    twin("--adopt", "up", "-d")
    twin("restart", "-t", "0", "web")
    boat("stop", status=1)
    twin("down", "-v")


def test_a_health_check_that_cannot_run_is_told_while_it_is_waited_for(project: Callable[..., Windlass]) -> None:
    boat = project(
        """
services:
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    x-on-unhealthy: restart
    healthcheck: {test: [CMD, curl, localhost], interval: 300ms, retries: 2}
"""
    )
    refused = boat("up", "-d", "--wait", status=1).stderr
    assert "boat-web-1  Waiting  its health check cannot run: " in refused
    boat("down", "-v")


def test_a_kept_plan_is_carried_out_exactly_or_not_at_all(project: Callable[..., Windlass]) -> None:
    boat = project(JOBS)
    boat("plan", "--out", "plan.json", "--detailed-exitcode", status=2)
    boat("up", "--plan", "plan.json", "--force-recreate", "-d", status=1)
    boat("up", "--plan", "plan.json", "-d")
    boat("wait", "seed")
    boat("plan", "--detailed-exitcode")
    refused = boat("up", "--plan", "plan.json", "-d", status=1).stderr
    assert "the plan does not hold any more: no longer: create network boat_default" in refused

    boat.environment["A"] = "2"
    boat("plan", "--out", "plan.json")
    boat.environment["A"] = "3"
    refused = boat("up", "--plan", "plan.json", "-d", status=1).stderr
    assert "stop container boat-web-1 for another reason (environment.A changed: '1' -> '3')" in refused
    boat("down", "-v")


def test_an_image_whose_files_changed_is_called_stale_until_it_is_built(project: Callable[..., Windlass]) -> None:
    boat = project("services: {web: {build: ., command: [sleep, '1000'], stop_signal: SIGKILL}}\n")
    (boat.directory / "Dockerfile").write_text("FROM localhost/bb:1\nCOPY app.txt /app.txt\n")
    (boat.directory / "app.txt").write_text("one\n")
    assert "stale" not in boat("up", "-d").stderr + boat("up", "-d").stderr

    (boat.directory / "app.txt").write_text("two\n")
    told = "image boat-web is stale: app.txt changed since it was built; --build builds it anew"
    assert told in boat("up", "-d").stderr
    assert "stale" not in boat("up", "-d", "--build").stderr
    assert boat("exec", "-T", "web", "cat", "/app.txt").stdout == "two\n"
    boat("down", "-v", "--rmi", "local")
