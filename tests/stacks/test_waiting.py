"""What `up --wait` and `depends_on` wait for, and how they tell that it will not come."""

from collections.abc import Callable

import pytest

from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

FILE = """
services:
  stays: {image: localhost/bb:1, command: [sleep, "1000"], stop_signal: SIGKILL}
  breaks: {image: localhost/bb:1, command: [sh, -c, "exit 3"], profiles: [breaks]}
  loops: {image: localhost/bb:1, command: [sh, -c, "exit 3"], restart: always, profiles: [loops]}
  done: {image: localhost/bb:1, command: ["true"], profiles: [done]}
  goes:
    image: localhost/bb:1
    command: [sh, -c, "while test -e /flag/up; do sleep 0.05; done; exit 4"]
    volumes: [flag:/flag]
    profiles: [late]
  late:
    image: localhost/bb:1
    command: [sh, -c, "rm /flag/up; exec sleep 1000"]
    stop_signal: SIGKILL
    volumes: [flag:/flag]
    profiles: [late]
    depends_on: [goes]
    healthcheck: {test: [CMD, "true"], interval: 20ms, start_period: 5s, start_interval: 1s}
volumes: {flag: {}}
"""


@pytest.mark.parametrize(
    ("service", "status", "words"),
    [
        ("stays", 0, "Container boat-stays-1  Running"),
        ("done", 0, "Container boat-done-1  Running"),
        ("breaks", 1, "container boat-breaks-1 exited (3)"),
        ("loops", 1, "container boat-loops-1 exited (3)"),
    ],
)
def test_what_has_no_health_check_must_run_for_a_moment(
    project: Callable[[str], Windlass], service: str, status: int, words: str
) -> None:
    boat = project(FILE)
    assert words in boat("up", "-d", "--wait", service, status=status).stderr
    boat("--profile", "*", "down", "-v")


def test_what_ends_while_others_are_waited_for_fails_the_wait(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("--profile", "late", "create")
    (boat.roots.volumes / "boat_flag" / "_data" / "up").touch()
    failed = boat("--profile", "late", "up", "-d", "--wait", "late", status=1)
    assert "container boat-goes-1 exited (4)" in failed.stderr
    boat("--profile", "*", "down", "-v")


def test_start_waits_likewise(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("create", "breaks")
    assert "container boat-breaks-1 exited (3)" in boat("start", "--wait", "breaks", status=1).stderr
    boat("--profile", "*", "down", "-v")


GATES = """
services:
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    depends_on: {{{dependency}: {{condition: {condition}, required: {required}}}}}
  ill:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    healthcheck: {{test: [CMD, "false"], interval: 20ms, retries: 1}}
  job: {{image: localhost/bb:1, command: [sh, -c, "exit 3"]}}
  endless: {{image: localhost/bb:1, command: [sleep, "1000"], stop_signal: SIGKILL}}
"""
HEALTHY, COMPLETED = "service_healthy", "service_completed_successfully"


@pytest.mark.parametrize(
    ("dependency", "condition", "words"),
    [
        ("ill", HEALTHY, "dependency failed to start: container boat-ill-1 is unhealthy"),
        ("job", COMPLETED, "dependency failed to start: container boat-job-1 exited (3)"),
    ],
)
def test_a_dependency_that_fails_is_told_in_composes_words(
    project: Callable[[str], Windlass], dependency: str, condition: str, words: str
) -> None:
    boat = project(GATES.format(dependency=dependency, condition=condition, required="true"))
    assert f"\n{words}" in boat("up", "-d", "web", status=1).stderr
    assert boat.ps().get("boat-web-1", {"State": "created"})["State"] == "created"
    boat("down")

    boat = project(GATES.format(dependency=dependency, condition=condition, required="false"))
    told = boat("up", "-d", "web").stderr
    assert f"warning: optional {words}" in told
    assert boat.ps()["boat-web-1"]["State"] == "running"
    boat("down")


def test_a_wait_for_an_end_that_does_not_come_has_a_deadline(project: Callable[[str], Windlass]) -> None:
    boat = project(GATES.format(dependency="endless", condition=COMPLETED, required="true"))
    failed = boat("up", "-d", "--wait", "--wait-timeout", "3", "web", status=1)
    assert "application not healthy after 3s" in failed.stderr
    assert "hint: still waiting for: boat-endless-1" in failed.stderr
    boat("down")


def test_what_ends_again_and_again_is_told_while_it_is_waited_for(project: Callable[[str], Windlass]) -> None:
    boat = project("""
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "exit 3"]
    restart: always
    healthcheck: {test: [CMD, "true"], interval: 60s}
""")
    failed = boat("up", "-d", "--wait", "--wait-timeout", "1", status=1).stderr
    assert "Container boat-web-1  Waiting  it exited (3) and is started again (restart 1)" in failed
    assert "application not healthy after 1s" in failed
    boat("down")
