"""What is said of services and stacks that are not, or not quite, there."""

from collections.abc import Callable

from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
  tools:
    image: localhost/bb:1
    profiles: [debug]
  idle:
    image: localhost/bb:1
"""


def test_exec_says_what_keeps_a_service_from_running(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d", "web")
    assert boat("exec", "tools", "true", status=1).stderr == (
        "service tools is not running: no active profile enables it (debug)\n"
        "  hint: windlass --profile debug up -d tools starts it\n"
    )
    assert boat("exec", "idle", "true", status=1).stderr == (
        "service idle is not running\n  hint: windlass up -d idle starts it\n"
    )
    assert boat("exec", "wbe", "true", status=1).stderr == "no such service: wbe\n  hint: did you mean 'web'?\n"
    boat("down")


def test_services_of_the_file_can_be_named_before_they_run(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d", "web")
    assert boat("ps", "-q", "idle").stdout == ""
    assert boat("logs", "tools").stdout == ""
    assert boat("images", "-q", "idle").stdout == ""
    for verb in ("ps", "logs", "images"):
        assert boat(verb, "wbe", status=1).stderr == "no such service: wbe\n  hint: did you mean 'web'?\n"
    boat("down")


def test_down_tells_orphans_from_a_stack_that_is_not_there(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d", "web")
    project(FILE.replace("  web:", "  shop:"))
    assert boat("down").stderr.endswith("Nothing of stack boat was to be removed.\n")
    boat("down", "--remove-orphans")
    assert boat("down").stderr == "Stack boat is not there: nothing to do.\n"


def test_down_of_a_stack_that_is_gone_names_the_volumes_that_stay(project: Callable[..., Windlass]) -> None:
    boat = project(f"{FILE}    volumes: ['data:/data']\nvolumes: {{data: }}\n")
    boat("up", "-d")
    boat("down")
    assert boat("down").stderr == (
        "Stack boat is not there: nothing to do; its volumes stay (boat_data), down -v removes them.\n"
    )
    boat("down", "-v")


def test_a_second_up_says_that_a_finished_job_has_ended(project: Callable[..., Windlass]) -> None:
    boat = project(
        "services:\n"
        "  web: {image: localhost/bb:1, command: [sleep, '1000'], stop_signal: SIGKILL,"
        " depends_on: {job: {condition: service_completed_successfully}}}\n"
        "  job: {image: localhost/bb:1, command: ['true']}\n"
    )
    boat("up", "-d")
    said = boat("up", "-d").stderr
    assert " Container boat-job-1  Exited\n" in said
    assert " Container boat-web-1  Running\n" in said
    boat("down")
