"""Pauses that end with whoever asked for them."""

from engine.client import connect
from engine.protocol import Pause, Subscribe, Unpause
from tests.kernel.supervisor.conftest import Driver

LOOP = "i=0; while :; do i=$((i+1)); echo $i; usleep 50000; done"


def test_a_held_pause_ends_with_the_client_that_asked_for_it(driver: Driver) -> None:
    loop = driver.start("loop", LOOP)
    driver.client.ask(Subscribe())
    with connect(driver.stack, spawn=False) as other:
        other.ask(Pause(id=loop, held=True))
        assert driver.state(loop).paused
    actions = []
    while "unpause" not in actions:
        _, event = driver.client.receive()
        actions.append(getattr(event, "action", ""))
    assert not driver.state(loop).paused
    driver.expect_more(loop)


def test_a_pause_stays_when_its_client_leaves_and_what_was_let_go_on_is_left_alone(driver: Driver) -> None:
    loop = driver.start("loop", LOOP)
    with connect(driver.stack, spawn=False) as other:
        other.ask(Pause(id=loop, held=True))
        other.ask(Unpause(id=loop))
    with connect(driver.stack, spawn=False) as other:
        other.ask(Pause(id=loop))
    with connect(driver.stack, spawn=False) as other:
        other.ask(Subscribe())
    assert driver.state(loop).paused
    driver.ask(Unpause(id=loop))
