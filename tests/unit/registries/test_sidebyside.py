"""Several things at once."""

import threading

import pytest

from engine.registries.sidebyside import side_by_side


def test_everything_is_done_so_many_at_a_time() -> None:
    both = threading.Barrier(2)
    done: list[int] = []

    def job(number: int) -> None:
        both.wait(10)
        done.append(number)

    side_by_side([lambda number=number: job(number) for number in range(6)], 2)  # type: ignore[misc]
    assert sorted(done) == list(range(6))


def test_nothing_is_begun_after_a_failure_and_what_is_under_way_is_told() -> None:
    stopped = threading.Event()
    done: list[str] = []

    def fail() -> None:
        raise ValueError("it went wrong")

    def last() -> None:
        stopped.wait(10)
        done.append("was under way")

    with pytest.raises(ValueError, match="it went wrong"):
        side_by_side([last, fail, lambda: done.append("too late")], 2, stopped.set)
    assert done == ["was under way"]


def test_nothing_to_do_is_done_at_once() -> None:
    side_by_side([], 3)
