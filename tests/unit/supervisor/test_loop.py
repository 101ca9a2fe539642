"""The event loop, on pipes and a clock of its own."""

import os
from collections.abc import Iterator

import pytest

from engine.supervisor.loop import Loop


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def loop(clock: Clock) -> Iterator[Loop]:
    loop = Loop(clock=clock)
    yield loop
    loop.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        os.close(fd)


def test_a_readable_descriptor_calls_back(loop: Loop, pipe: tuple[int, int]) -> None:
    seen: list[bytes] = []
    loop.add_reader(pipe[0], lambda: seen.append(os.read(pipe[0], 10)))
    os.write(pipe[1], b"hello")
    loop.turn()
    assert seen == [b"hello"]


def test_a_forgotten_descriptor_does_not_call_back(loop: Loop, pipe: tuple[int, int]) -> None:
    loop.add_reader(pipe[0], lambda: pytest.fail("called"))
    loop.remove_reader(pipe[0])
    os.write(pipe[1], b"hello")
    loop.turn(0)


def test_a_callback_that_forgets_another_descriptor_of_the_same_turn_keeps_it_from_being_called(loop: Loop) -> None:
    first, second = os.pipe(), os.pipe()
    called: list[int] = []

    def forget_the_other(mine: int, other: int) -> None:
        called.append(mine)
        loop.forget(other)

    loop.add_reader(first[0], lambda: forget_the_other(first[0], second[0]))
    loop.add_reader(second[0], lambda: forget_the_other(second[0], first[0]))
    os.write(first[1], b"x")
    os.write(second[1], b"x")
    loop.turn()
    assert len(called) == 1
    for fd in (*first, *second):
        os.close(fd)


def test_timers_run_in_order_of_their_time(loop: Loop, clock: Clock) -> None:
    ran: list[str] = []
    loop.call_later(2, lambda: ran.append("two"))
    loop.call_later(1, lambda: ran.append("one"))
    clock.seconds += 1.5
    loop.turn(0)
    assert ran == ["one"]
    clock.seconds += 1
    loop.turn(0)
    assert ran == ["one", "two"]


def test_a_cancelled_timer_does_not_run_and_may_be_cancelled_again(loop: Loop, clock: Clock) -> None:
    cancel = loop.call_later(1, lambda: pytest.fail("ran"))
    cancel()
    cancel()
    clock.seconds += 2
    loop.turn(0)


def test_a_callback_that_raises_is_reported_and_ends_nobody_else(
    loop: Loop, pipe: tuple[int, int], capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError("broken callback")

    ran: list[str] = []
    loop.add_reader(pipe[0], fail)
    loop.call_later(0, fail)
    loop.call_later(0, lambda: ran.append("timer"))
    os.write(pipe[1], b"x")
    loop.turn()
    loop.turn(0)
    assert ran == ["timer"]
    assert capfd.readouterr().err.count("RuntimeError: broken callback") == 2


def test_run_ends_after_stop(loop: Loop) -> None:
    loop.call_later(0, loop.stop)
    loop.run()
