"""Programs that run inside a container after its start and before its stop."""

import os
import signal

import pytest

from engine.errors import RequestError
from engine.protocol import Kill, OneContainer, Pause, Start, Stop
from engine.spec import Hook, Process, RestartPolicy
from tests.kernel.supervisor.conftest import Driver

pytestmark = pytest.mark.root

LIFE = "trap 'echo stopped; exit 0' TERM; echo begun; while :; do usleep 20000; done"


def hook(script: str, **fields: object) -> Hook:
    return Hook(argv=("sh", "-c", script), **fields)  # type: ignore[arg-type]


def says(words: str) -> Hook:
    """A hook that writes to the output of the container's first program."""
    return hook(f"echo {words} > /proc/1/fd/1")


def test_post_start_hooks_run_in_order_before_a_start_is_answered(driver: Driver) -> None:
    web = driver.start("web", LIFE, post_start=(hook("usleep 200000; echo one > /proc/1/fd/1"), says("two")))
    assert [line for line in driver.output(web) if line != "begun"] == ["one", "two"]


def test_a_hook_has_the_containers_environment_user_and_directory_unless_it_says_otherwise(driver: Driver) -> None:
    process = Process(
        argv=("sh", "-c", LIFE), environment={"A": "1", "B": "1"}, working_directory="/bin", user="1000:1000"
    )
    plain = hook("test $A$B$PWD = 11/bin")
    other = hook("test $A$B$PWD = 12/", environment={"B": "2"}, working_directory="/", user="0")
    driver.start("web", "", process=process, post_start=(plain, other))


def test_a_post_start_hook_that_fails_fails_the_start_and_stops_the_container(driver: Driver) -> None:
    always = RestartPolicy(condition="always", delay_seconds=0.01)
    broken = hook("echo no luck >&2; exit 7")
    web = driver.create("web", LIFE, post_start=(broken, says("never")), restart=always)
    with pytest.raises(RequestError, match=r"a post_start hook of container shop-web-1 failed: .* 7: no luck"):
        driver.ask(Start(id=web))
    state = driver.state(web)
    assert state.status == "exited"
    assert state.failure.endswith("no luck")
    assert "never" not in driver.output(web)


def test_a_post_start_hook_whose_program_is_missing_says_so(driver: Driver) -> None:
    web = driver.create("web", LIFE, post_start=(Hook(argv=("nowhere",)),))
    with pytest.raises(RequestError, match="nowhere"):
        driver.ask(Start(id=web))


def test_a_container_that_ends_takes_its_hook_along(driver: Driver) -> None:
    web = driver.create("web", "usleep 200000; exit 3", post_start=(hook("sleep 1000"),))
    with pytest.raises(RequestError, match="a post_start hook of container shop-web-1 failed"):
        driver.ask(Start(id=web))
    assert driver.state(web).exit_code == 3


def test_post_start_hooks_run_again_when_a_policy_starts_the_container_again(driver: Driver) -> None:
    always = RestartPolicy(condition="always", delay_seconds=0.01)
    again = hook("if [ -e /been ]; then echo again > /proc/1/fd/1; fi; echo > /been")
    web = driver.start("web", LIFE, post_start=(again,), restart=always)
    process = driver.state(web).process
    assert process
    os.kill(process.pid, signal.SIGKILL)
    driver.expect(web, "again")


def test_pre_stop_hooks_run_before_the_signal_even_of_a_paused_container(driver: Driver) -> None:
    web = driver.start("web", LIFE, pre_stop=(hook("usleep 100000; echo leaving > /proc/1/fd/1"),))
    driver.expect(web, "begun")
    driver.ask(Pause(id=web))
    assert driver.ask(Stop(id=web)).state.exit_code == 0
    assert driver.output(web) == ["begun", "leaving", "stopped"]


def test_a_pre_stop_hook_that_fails_lets_the_container_go_on(driver: Driver) -> None:
    web = driver.start("web", LIFE, pre_stop=(hook("test -e /may-go"),))
    with pytest.raises(RequestError, match="a pre_stop hook of container shop-web-1 failed: it ended with 1"):
        driver.ask(Stop(id=web))
    state = driver.state(web)
    assert (state.status, state.stopped_by_user) == ("running", False)
    driver.ask(Kill(id=web))
    assert driver.wait(web).exit_code == 137


def test_stops_that_come_together_share_one_run_of_the_hooks(driver: Driver) -> None:
    web = driver.start("web", LIFE, pre_stop=(says("leaving"),))
    driver.expect(web, "begun")
    numbers = [driver.client.send(Stop(id=web)) for _ in range(2)]
    replies = dict(driver.client.receive() for _ in numbers)
    assert all(isinstance(replies[number], OneContainer) for number in numbers)
    assert driver.output(web).count("leaving") == 1
