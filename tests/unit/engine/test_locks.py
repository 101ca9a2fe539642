"""One command at a time on a stack, and everybody knows whose turn it is."""

import os
import re
import shutil
from pathlib import Path

import pytest

from engine.errors import StateError
from engine.layout import Layout, StackLayout
from engine.locks import Hold, command_lock, lock_file


@pytest.fixture
def stack(tmp_path: Path) -> StackLayout:
    return Layout(run=tmp_path / "run", data=tmp_path / "data").stack("shop")


def test_a_second_command_is_told_who_holds_the_lock(stack: StackLayout) -> None:
    with (
        command_lock(stack, "windlass up"),
        pytest.raises(StateError, match=rf"held by PID {os.getpid()}: windlass up since \d+s"),
        command_lock(stack, "windlass down", wait=False),
    ):
        pytest.fail("held twice")


def test_the_lock_is_free_afterwards_and_leaves_nothing_behind(stack: StackLayout) -> None:
    with command_lock(stack, "windlass up"):
        assert stack.command_lock.exists()
    assert not stack.directory.exists()
    with command_lock(stack, "windlass down", wait=False):
        pass


def test_a_directory_that_holds_more_than_locks_stays(stack: StackLayout) -> None:
    with command_lock(stack, "windlass up"):
        (stack.directory / "supervisor.sock").touch()
    assert stack.directory.exists()


def test_a_waiting_command_is_told_whom_it_waits_for_and_goes_on_after_the_directory_was_removed(
    stack: StackLayout,
) -> None:
    first = command_lock(stack, "windlass down")
    first.__enter__()
    told: list[str] = []

    def release(description: str) -> None:
        told.append(description)
        first.__exit__(None, None, None)

    with command_lock(stack, "windlass up", on_wait=release):
        assert re.match(r"PID \d+: windlass down since 0s", told[0])
        assert lock_file(stack.command_lock, blocking=False) is None


def test_waiting_ends_after_a_while(stack: StackLayout) -> None:
    with (
        command_lock(stack, "windlass up"),
        pytest.raises(StateError, match=r"still held by PID \d+: windlass up since \d+s, after 0.01s of waiting"),
        command_lock(stack, "windlass down", timeout_seconds=0.01),
    ):
        pytest.fail("held twice")


def held(path: Path) -> Hold:
    fd = lock_file(path, blocking=False)
    assert fd is not None
    return Hold(path, fd)


def test_a_lock_whose_file_was_removed_is_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "stack" / "lock"
    hold = held(path)
    path.unlink()
    assert hold.lasts()
    assert lock_file(path, blocking=False) is None


def test_a_lock_that_another_took_meanwhile_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "stack" / "lock"
    hold = held(path)
    path.unlink()
    other = held(path)
    assert other.lasts()
    assert not hold.lasts()


def test_a_lock_is_lost_with_its_directory_even_if_there_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "stack" / "lock"
    hold = held(path)
    shutil.rmtree(path.parent)
    assert not hold.lasts()
    path.parent.mkdir()
    assert not hold.lasts()


def test_a_lock_that_was_taken_after_the_directory_went_is_left_to_its_holder(stack: StackLayout) -> None:
    with command_lock(stack, "windlass down"):
        shutil.rmtree(stack.directory)
        fd = lock_file(stack.command_lock, blocking=False)
        assert fd is not None
    assert stack.command_lock.exists()
    os.close(fd)
