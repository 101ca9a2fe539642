"""The verbs that start, stop, freeze and remove what exists, on a real stack."""

from collections.abc import Callable
from pathlib import Path

from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "trap 'exit 0' TERM; echo begun; while :; do sleep 1000 & wait $$!; done"]
    depends_on:
      db: {condition: service_healthy, restart: true}
  db:
    image: localhost/bb:1
    command: [sh, -c, "trap 'exit 3' TERM; sleep 1000 & wait $$!"]
    healthcheck: {test: [CMD, "true"], interval: 50ms}
    volumes: [/scratch]
"""


def test_stop_and_start_keep_the_containers_and_their_order(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    before = {name: container["ID"] for name, container in boat.ps().items()}

    told = boat("stop").stderr
    assert told.index("boat-web-1  Stopped") < told.index("boat-db-1  Stopping")
    stopped = boat.ps()
    assert {name: (found["State"], found["ExitCode"]) for name, found in stopped.items()} == {
        "boat-db-1": ("exited", 3),
        "boat-web-1": ("exited", 0),
    }

    told = boat("start", "web").stderr
    assert told.index("boat-db-1  Healthy") < told.index("boat-web-1  Starting")
    assert {name: (found["ID"], found["State"]) for name, found in boat.ps().items()} == {
        name: (identity, "running") for name, identity in before.items()
    }
    boat("start")
    boat("down", "-v")


def test_restart_takes_along_what_wants_to_be_restarted(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    first = boat.pids()
    boat("restart", "--no-deps", "db")
    second = boat.pids()
    assert second["boat-web-1"] == first["boat-web-1"]
    assert second["boat-db-1"] != first["boat-db-1"]
    boat("restart", "db")
    third = boat.pids()
    assert third["boat-web-1"] != second["boat-web-1"]
    assert third["boat-db-1"] != second["boat-db-1"]
    boat("down", "-v")


def test_a_paused_service_stands_still_until_it_goes_on(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    boat("pause", "web")
    web = boat.ps()["boat-web-1"]
    assert web["State"] == "paused"
    assert web["Status"].endswith("(Paused)")
    pid = boat.pids()["boat-web-1"]
    refused = boat("exec", "web", "true", status=1)
    assert "boat-web-1 is paused" in refused.stderr
    boat("pause")
    assert boat.ps()["boat-db-1"]["State"] == "paused"
    boat("unpause")
    assert boat.pids()["boat-web-1"] == pid
    assert boat("exec", "web", "echo", "awake").stdout == "awake\n"

    boat("pause", "web")
    boat("stop", "-t", "60", "web")
    assert boat.ps()["boat-web-1"]["ExitCode"] == 0
    boat("pause", "db")
    boat("down", "-v")


def test_kill_sends_a_signal_and_rm_removes_what_has_ended(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    assert "No stopped containers" in boat("rm", "-f").stderr
    boat("kill", "-s", "TERM", "web")
    boat("kill", "db")
    assert boat("kill").stderr == "No container to kill\n"
    assert boat.ps()["boat-db-1"]["ExitCode"] == 137

    assert "--force does it without asking" in boat("rm").stderr
    assert len(boat.ps()) == 2
    assert "remove  volume" in boat("rm", "-v", "--dry-run").stdout
    boat("rm", "-f", "-v", "db")
    assert set(boat.ps()) == {"boat-web-1"}
    assert not any(Path(boat.roots.volumes).iterdir())
    assert "has no container to start" in boat("start", "db", status=1).stderr
    boat("down", "-v")


def test_names_that_are_no_services_are_refused(project: Callable[[str], Windlass]) -> None:
    boat = project(FILE)
    for verb in ("start", "stop", "restart", "kill", "pause", "unpause", "rm"):
        assert "no such service: wbe" in boat(verb, "wbe", status=1).stderr
    assert "--signal FOO" in boat("kill", "-s", "FOO", status=1).stderr


JOBS = """
services:
  first:
    image: localhost/bb:1
    command: [sh, -c, "echo one; exit ${CODE:-0}"]
  last:
    image: localhost/bb:1
    command: [sh, -c, "trap 'exit 9' TERM; echo two; sleep 1000 & wait $$!"]
"""


def test_one_end_can_end_everything_and_give_its_status(project: Callable[..., Windlass]) -> None:
    boat = project(JOBS, CODE="5")
    done = boat("up", "--abort-on-container-exit", status=5)
    assert "Aborting on container exit" in done.stderr
    assert boat.ps()["boat-last-1"]["ExitCode"] == 9
    boat("up", "--exit-code-from", "last", status=9)
    boat("up", "--abort-on-container-failure", status=5)
    assert "cannot be combined" in boat("up", "-d", "--abort-on-container-exit", status=1).stderr
    boat("down")


def test_output_is_shown_of_the_services_that_are_asked_for(project: Callable[..., Windlass]) -> None:
    boat = project(JOBS.replace("sleep 1000", "sleep 0.2"))
    assert boat("up", "--attach", "first").stdout.splitlines() == ["first-1  | one", "first-1 exited with code 0"]
    assert "two" not in boat("up", "--no-attach", "last").stdout
    assert "no such service: lats" in boat("up", "--no-attach", "lats", status=1).stderr
    boat("down")


def test_create_makes_and_start_starts(project: Callable[..., Windlass]) -> None:
    boat = project(JOBS)
    boat("create")
    assert {found["State"] for found in boat.ps().values()} == {"created"}
    boat("up", "--no-start", "--force-recreate")
    boat("start", "last")
    assert boat.ps()["boat-last-1"]["State"] == "running"
    boat("down")


def test_scale_leaves_what_runs(project: Callable[..., Windlass]) -> None:
    boat = project(JOBS)
    boat("scale", "last=3")
    before = boat.pids()
    assert set(before) == {"boat-last-1", "boat-last-2", "boat-last-3"}
    boat("scale", "last=1")
    assert boat.pids() == {"boat-last-1": before["boat-last-1"]}
    boat("down")


def test_wait_tells_each_end(project: Callable[..., Windlass]) -> None:
    boat = project(JOBS.replace("sleep 1000", "sleep 0.2"), CODE="4")
    boat("up", "-d")
    told = boat("wait", "first", status=4).stdout
    assert told.startswith('container "')
    assert told.endswith('" exited with status code 4\n')
    boat("wait", "--down-project", "last")
    assert boat.ps() == {}


def test_changed_files_leave_containers_alone_if_asked(project: Callable[..., Windlass]) -> None:
    boat = project(JOBS)
    boat("up", "-d")
    before = boat.ps()["boat-last-1"]["ID"]
    boat.environment["CODE"] = "1"
    project(JOBS.replace("echo two", "echo three"))
    boat("up", "-d", "--no-recreate", "last")
    assert boat.ps()["boat-last-1"]["ID"] == before
    assert "cannot be combined" in boat("up", "-d", "--no-recreate", "--force-recreate", status=1).stderr
    boat("down")


def test_what_ignores_its_stop_signal_is_named(project: Callable[..., Windlass]) -> None:
    boat = project("""
services:
  deaf: {image: localhost/bb:1, command: [sleep, "1000"], stop_grace_period: 300ms}
  keen:
    image: localhost/bb:1
    command: [sh, -c, "trap exit TERM; touch /ready; sleep 1000 & wait"]
    healthcheck: {test: [CMD, test, -e, /ready], interval: 50ms}
    stop_grace_period: 300ms
  quick: {image: localhost/bb:1, command: [sleep, "1000"], stop_signal: SIGKILL}
  grown: {image: localhost/bb:1, command: [sleep, "1000"], init: true}
""")
    boat("up", "-d", "--wait")
    told = boat("stop").stderr
    assert "boat-deaf-1  Stopping  sleep as PID 1 ignores SIGTERM: killed after 0.3s (`init: true` mends that)" in told
    assert told.count("ignores") == 1
    boat("down")


def test_options_before_the_verb_bear_on_what_it_does(project: Callable[..., Windlass]) -> None:
    boat = project(JOBS + "networks: {spare: {}}\nvolumes: {spare: {}}\n")
    assert "create  container  boat_last_1" in boat("--dry-run", "--compatibility", "up").stdout
    assert "boat_spare" in boat("--all-resources", "plan").stdout
    assert boat.ps() == {}
    boat("--compatibility", "--parallel", "1", "up", "-d")
    assert set(boat.ps()) == {"boat_first_1", "boat_last_1"}
    assert boat("logs", "last").stdout == "last_1  | two\n"
    assert "stop  container  boat_last_1" in boat("--dry-run", "stop").stdout
    assert boat.ps()["boat_last_1"]["State"] == "running"
    assert "has no dry run" in boat("--dry-run", "exec", "last", "true", status=1).stderr
    boat("down")


def test_what_is_not_there_is_not_got_against_the_users_word(project: Callable[..., Windlass]) -> None:
    boat = project("services: {web: {image: localhost/none:1}, built: {build: .}}")
    told = boat("up", "-d", "--pull", "never", "--no-build", status=1).stderr
    assert "the pull policy `never` forbids to get it" in told
    assert "--no-build forbids it" in told
    assert "--pull sometimes: no such choice" in boat("up", "--pull", "sometimes", status=1).stderr
