"""What an `up` that fails leaves, and what it takes back."""

from collections.abc import Callable

import pytest

from tests.stacks.product import Windlass

pytestmark = pytest.mark.root

FILE = """
services:
  cache: {{image: localhost/bb:1, command: [sleep, "1000"], stop_signal: SIGKILL}}
  db:
    image: localhost/bb:1
    command: [sh, -c, "echo no space for tables; exec sleep 1000"]
    stop_signal: SIGKILL
    volumes: [tables:/tables]
    healthcheck: {{test: [CMD, "{health}"], interval: 20ms, retries: 1}}
  web:
    image: localhost/bb:1
    command: [{command}, "1000"]
    stop_signal: SIGKILL
    networks: [default, front]
    volumes: [pages:/pages]
    depends_on: {{db: {{condition: service_healthy}}, cache: {{condition: service_started}}}}
networks: {{front: {{}}}}
volumes: {{tables: {{}}, pages: {{}}}}
"""


def networks(boat: Windlass) -> list[str]:
    directory = boat.roots.stack("boat").networks
    return (
        sorted(path.name for path in directory.iterdir() if not path.name.startswith(".")) if directory.exists() else []
    )


def volumes(boat: Windlass) -> list[str]:
    return boat("volumes", "-q").stdout.split()


def test_what_never_ran_goes_and_what_ran_stays_with_its_logs(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE.format(health="false", command="sleep"))
    failed = boat("up", "-d", status=1).stderr
    assert failed.splitlines()[-1].startswith("dependency failed to start: container boat-db-1 is unhealthy")
    assert "left of it: boat-cache-1 (running), boat-db-1 (unhealthy)\n" in failed
    assert sorted(boat.ps()) == ["boat-cache-1", "boat-db-1"]
    assert networks(boat) == ["boat_default"]
    assert volumes(boat) == ["boat_tables"]
    assert "no space for tables" in boat("logs", "db").stdout

    project(FILE.format(health="true", command="sleep"))
    boat("up", "-d")
    assert {each["State"] for each in boat.ps().values()} == {"running"}
    boat("down", "-v")


def test_when_nothing_ran_nothing_is_left(project: Callable[[str], Windlass]) -> None:
    boat = project(
        "services: {web: {image: localhost/bb:1, command: [nowhere], volumes: ['pages:/p']}}\nvolumes: {pages: }\n"
    )
    failed = boat("up", "-d", status=127).stderr
    assert "left of it" not in failed
    assert boat.ps() == {}
    assert volumes(boat) == []
    assert not boat.roots.stack("boat").directory.exists()


def test_what_was_there_before_stays_as_it_was(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE.format(health="true", command="sleep"))
    boat("up", "-d", "db", "cache")
    pids = boat.pids()
    project(FILE.format(health="true", command="nowhere"))
    boat("up", "-d", status=127)
    assert boat.pids() == pids
    assert networks(boat) == ["boat_default"]
    boat("down", "-v")


def test_one_that_replaces_another_stays_and_rollback_is_named(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE.format(health="true", command="sleep"))
    boat("up", "-d")
    project(FILE.format(health="true", command="nowhere"))
    failed = boat("up", "-d", status=127).stderr
    assert "left of it: boat-web-1 (exited 127)\n" in failed
    assert "`windlass rollback web` goes back to what was there before" in failed
    boat("rollback", "web")
    assert boat.ps()["boat-web-1"]["State"] == "running"
    boat("down", "-v")


def test_all_or_nothing_leaves_what_failed_stopped_and_nothing_else(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE.format(health="false", command="sleep"))
    failed = boat("up", "-d", "--atomic", status=1).stderr
    assert "left of it: boat-db-1 (unhealthy, stopped)\n" in failed
    assert {name: each["State"] for name, each in boat.ps().items()} == {"boat-db-1": "exited"}
    assert "no space for tables" in boat("logs", "db").stdout
    boat("down", "-v")

    project(FILE.format(health="true", command="nowhere"))
    boat("up", "-d", "--atomic", status=127)
    assert boat.ps() == {}
    assert volumes(boat) == []


def test_in_the_foreground_nothing_runs_on(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE.format(health="false", command="sleep"))
    failed = boat("up", status=1).stderr
    assert "left of it: boat-cache-1 (stopped), boat-db-1 (unhealthy, stopped)\n" in failed
    assert {each["State"] for each in boat.ps().values()} == {"exited"}
    boat("down", "-v")


def test_when_waiting_takes_too_long_what_runs_goes_on(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE.format(health="false", command="sleep").replace("20ms, retries: 1", "60s"))
    failed = boat("up", "-d", "--wait", "--wait-timeout", "0.5", status=1).stderr
    assert "application not healthy after 0.5s" in failed
    assert {name: each["State"] for name, each in boat.ps().items()} == {
        "boat-cache-1": "running",
        "boat-db-1": "running",
    }
    boat("down", "-v")
