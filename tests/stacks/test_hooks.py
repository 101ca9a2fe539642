"""Hooks of a service on a real stack."""

from collections.abc import Callable

from tests.stacks.outside import eventually
from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1000 & wait $$!; done"]
    volumes: [notes:/notes]
    environment: {{WHO: web}}
    post_start:
      - command: [sh, -c, "echo $$WHO began >> /notes/log; {post_start}"]
    pre_stop:
      - command: [sh, -c, "echo $$WHO leaves >> /notes/log; test ! -e /notes/stay"]
volumes: {{notes: {{}}}}
"""


def test_hooks_accompany_every_start_and_stop(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE.format(post_start="true"))
    boat("up", "-d")
    boat("restart")
    boat("stop")
    boat("start")
    boat("exec", "web", "touch", "/notes/stay")
    refused = boat("down", status=1)
    assert "a pre_stop hook of container boat-web-1 failed: it ended with 1" in refused.stderr
    assert boat.ps()["boat-web-1"]["State"] == "running"
    boat("exec", "web", "rm", "/notes/stay")
    notes = boat("exec", "web", "cat", "/notes/log").stdout.splitlines()
    assert notes == ["web began", "web leaves"] * 2 + ["web began", "web leaves"]
    boat("down", "-v")


def test_a_post_start_hook_that_fails_fails_up(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE.format(post_start="echo no luck; exit 4"))
    failed = boat("up", "-d", status=1)
    assert "a post_start hook of container boat-web-1 failed: it ended with 4: no luck" in failed.stderr
    assert boat.ps()["boat-web-1"]["State"] == "exited"
    boat("down", "-v")


BEFORE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1000 & wait $$!; done"]
    volumes: [notes:/notes]
    environment: {{VERSION: "{version}"}}
    deploy: {{replicas: 2}}
    pre_start:
      - command: [sh, -c, "echo once $$VERSION >> /notes/log; test -e /notes/may"]
      - command: [sh, -c, "echo each >> /notes/log"]
        per_replica: true
volumes: {{notes: {{}}}}
"""


def test_pre_start_hooks_gate_the_first_start_and_run_again_when_they_failed(
    project: Callable[[str], Windlass],
) -> None:
    boat = project(BEFORE.format(version=1))
    failed = boat("up", "-d", status=1)
    assert "exited (1)" in failed.stderr
    kept = [name for name in boat.ps() if "pre_start" in name]
    assert len(kept) == 1
    assert kept[0].startswith("boat-web-pre_start-1-")
    assert "boat-web-1" not in boat.ps()

    (boat.roots.volumes / "boat_notes" / "_data" / "may").touch()
    boat("up", "-d")
    assert sorted(boat.ps()) == ["boat-web-1", "boat-web-2"]
    notes = boat("exec", "web", "cat", "/notes/log").stdout.splitlines()
    assert notes == ["once 1", "once 1", "each", "each"]

    boat("restart")
    assert boat("up", "-d").stderr.endswith("is as its file asks: nothing to do.\n")
    assert boat("exec", "web", "cat", "/notes/log").stdout.splitlines() == notes

    project(BEFORE.format(version=2))("up", "-d")
    assert boat("exec", "web", "cat", "/notes/log").stdout.splitlines() == [*notes, "once 2", "each", "each"]
    boat("down", "-v")


INSIDE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "cat /notes/log; exec sleep 1000"]
    stop_signal: SIGKILL
    volumes: [notes:/notes]
    pre_start:
      - {image: "localhost/other:1", command: [sh, -c, "echo $$COLOUR $$WHO >> /notes/log"], environment: {WHO: hook}}
volumes: {notes: {}}
"""


def test_a_hook_runs_in_an_image_of_its_own_before_start_and_run(project: Callable[[str], Windlass]) -> None:
    boat = project(INSIDE)
    boat.directory.joinpath("Dockerfile").write_text("FROM localhost/bb:1\nENV COLOUR=green\n")
    boat.directory.joinpath("build.yaml").write_text(
        "services: {tool: {image: 'localhost/other:1', build: {context: .}}}\n"
    )
    boat("-f", "build.yaml", "build")
    assert boat("run", "--rm", "-T", "web", "cat", "/notes/log").stdout == "green hook\n"
    boat("down", "-v")
    boat("create")
    boat("start")
    assert boat("run", "--rm", "-T", "web", "cat", "/notes/log").stdout == "green hook\n"
    assert list(boat.ps()) == ["boat-web-1"]
    boat("down", "-v")


def test_healing_runs_pre_stop_first(project: Callable[[str], Windlass]) -> None:
    boat = project(
        """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "test -e /notes/log || touch /sick; exec sleep 1000"]
    stop_signal: SIGKILL
    volumes: [notes:/notes]
    healthcheck: {test: [CMD, test, "!", -e, /sick], interval: 50ms, retries: 1}
    x-on-unhealthy: restart
    pre_stop:
      - command: [sh, -c, "rm /sick; echo leaves >> /notes/log"]
volumes: {notes: {}}
"""
    )
    boat("up", "-d")
    log = boat.roots.volumes / "boat_notes" / "_data" / "log"
    eventually(lambda: log.exists() and boat.ps()["boat-web-1"]["Health"] == "healthy", "a healed container")
    assert log.read_text() == "leaves\n"
    boat("down", "-v")
