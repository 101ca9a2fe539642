"""Containers that are started again because they are unhealthy."""

import pytest

from engine.protocol import Event, Start, Stop, Subscribe
from engine.spec import HealthProbe
from tests.kernel.supervisor.conftest import Driver

pytestmark = pytest.mark.root

CHECK = HealthProbe(argv=("/bin/sh", "-c", "test ! -e /sick"), interval_seconds=0.05, retries=1)
FAILING = HealthProbe(argv=("false",), interval_seconds=0.05, retries=1)


def test_an_unhealthy_container_is_started_again_and_counted(driver: Driver) -> None:
    driver.client.ask(Subscribe())
    script = ": >/sick; exec sleep 1000"
    container = driver.create("db", script, on_unhealthy="restart", health=CHECK, stop_signal="SIGKILL")
    driver.client.send(Start(id=container))
    seen = []
    while "restart" not in seen:
        _, reply = driver.client.receive()
        if isinstance(reply, Event) and reply.action != "create":
            seen.append(reply.action if reply.action != "health" or not reply.record else reply.record.state.health)
    assert seen == ["start", "unhealthy", "die", "restart"]
    assert driver.state(container).restarts == 1


def test_without_the_wish_an_unhealthy_container_goes_on(driver: Driver) -> None:
    container = driver.start("db", "exec sleep 1000", health=FAILING)
    driver.client.ask(Subscribe())
    while driver.state(container).health != "unhealthy":
        driver.client.receive()
    assert (driver.state(container).status, driver.state(container).restarts) == ("running", 0)


def test_who_stops_an_unhealthy_container_means_it(driver: Driver) -> None:
    container = driver.start("db", "trap : TERM; while :; do sleep 1000; done", health=FAILING, on_unhealthy="restart")
    driver.client.ask(Subscribe())
    while driver.state(container).health != "unhealthy":
        driver.client.receive()
    stopped = driver.ask(Stop(id=container, grace_seconds=0)).state
    assert (stopped.status, stopped.exit_code) == ("exited", 137)


def test_a_check_that_cannot_run_is_told_at_once(driver: Driver) -> None:
    driver.client.ask(Subscribe())
    check = HealthProbe(argv=("/bin/sh", "-c", "curl http://localhost"), interval_seconds=3600)
    container = driver.start("db", "exec sleep 1000", health=check)
    told = ""
    while not told:
        _, reply = driver.client.receive()
        if isinstance(reply, Event) and reply.action == "health" and reply.record:
            told = reply.record.state.failure
    assert "curl: not found" in told
    assert driver.state(container).health == "starting"
