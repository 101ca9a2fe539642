"""What others wait for: started, healthy, completed, exited."""

import pytest

from engine.errors import RequestError
from engine.protocol import Failure, OneContainer, Remove, Start, Stop, Wait
from engine.spec import HealthProbe
from tests.kernel.supervisor.conftest import Driver

pytestmark = pytest.mark.root

SLEEP = "exec sleep 1000"


def probe(script: str, **fields: float) -> HealthProbe:
    return HealthProbe(argv=("/bin/sh", "-c", script), **fields)  # type: ignore[arg-type]


def test_a_container_is_healthy_as_soon_as_its_probe_succeeds_not_an_interval_later(driver: Driver) -> None:
    container = driver.start("db", SLEEP, health=probe("exit 0", interval_seconds=3600))
    assert driver.wait(container, "healthy").health == "healthy"


def test_a_probe_sees_the_container_from_inside(driver: Driver) -> None:
    container = driver.start("db", "usleep 150000; echo yes > /ready; " + SLEEP, health=probe("cat /ready"))
    assert driver.wait(container, "healthy").health == "healthy"


def test_an_unhealthy_container_fails_the_wait_with_what_the_probe_said(driver: Driver) -> None:
    check = probe("echo connection refused; exit 1", interval_seconds=0.05, retries=2)
    container = driver.start("db", SLEEP, health=check)
    with pytest.raises(RequestError, match="container shop-db-1 is unhealthy: connection refused"):
        driver.wait(container, "healthy")
    assert driver.state(container).health == "unhealthy"


def test_a_probe_that_takes_too_long_is_ended_with_its_children(driver: Driver) -> None:
    check = probe("sleep 777 & sleep 777", interval_seconds=0.05, timeout_seconds=0.05, retries=1)
    container = driver.start("db", SLEEP, health=check)
    with pytest.raises(RequestError, match=r"took longer than 0\.05 s"):
        driver.wait(container, "healthy")


def test_a_probe_whose_program_is_missing_says_so(driver: Driver) -> None:
    check = HealthProbe(argv=("curl", "http://localhost"), interval_seconds=0.05, retries=1)
    container = driver.start("db", SLEEP, health=check)
    with pytest.raises(RequestError, match="curl"):
        driver.wait(container, "healthy")
    assert "curl" in driver.state(container).failure


def test_a_wait_for_health_ends_when_the_container_does(driver: Driver) -> None:
    container = driver.start("db", "exit 3", health=probe("exit 1"))
    with pytest.raises(RequestError, match=r"exited \(3\) before it was healthy") as caught:
        driver.wait(container, "healthy")
    assert caught.value.exit_code == 3


def test_completed_is_exit_code_0_anything_else_fails(driver: Driver) -> None:
    good = driver.start("good", "usleep 50000")
    bad = driver.start("bad", "exit 7")
    assert driver.wait(good, "completed").exit_code == 0
    with pytest.raises(RequestError, match=r"container shop-bad-1 exited \(7\)"):
        driver.wait(bad, "completed")


def test_a_wait_begun_before_the_start_is_answered_by_it(driver: Driver) -> None:
    container = driver.create("web", SLEEP)
    waiting = driver.client.send(Wait(id=container, condition="started"))
    started = driver.client.send(Start(id=container))
    replies = dict(driver.client.receive() for _ in range(2))
    assert isinstance(replies[waiting], OneContainer)
    assert isinstance(replies[started], OneContainer)


def test_a_wait_ends_when_the_container_is_removed(driver: Driver) -> None:
    container = driver.create("web", SLEEP)
    waiting = driver.client.send(Wait(id=container, condition="started"))
    removed = driver.client.send(Remove(id=container))
    replies = dict(driver.client.receive() for _ in range(2))
    assert set(replies) == {waiting, removed}
    assert replies[waiting] == Failure(message="container shop-web-1 was removed")


def test_stopping_a_container_with_a_health_check_ends_at_once(driver: Driver) -> None:
    container = driver.start("db", SLEEP, health=probe("sleep 1000"))
    assert driver.ask(Stop(id=container, grace_seconds=0)).state.exit_code == 137
