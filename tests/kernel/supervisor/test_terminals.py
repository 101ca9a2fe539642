"""Containers on a terminal, and such that somebody may type to."""

import os
from pathlib import Path

import pytest

from engine.spec import Process
from tests.kernel.supervisor.conftest import Driver

pytestmark = pytest.mark.root


def _on_terminal(script: str) -> Process:
    return Process(argv=("sh", "-c", script), terminal=True)


def test_a_container_may_have_a_terminal_and_its_output_is_logged_all_the_same(driver: Driver) -> None:
    script = "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo terminal $TERM; echo; echo wrong >&2; exit 3"
    container = driver.start("web", "", process=_on_terminal(script))
    assert driver.wait(container).exit_code == 3
    assert driver.output(container) == ["terminal xterm", "", "wrong"]


def test_a_terminal_outlives_the_supervisor(driver: Driver) -> None:
    script = "trap 'echo hung up' HUP; echo first; while [ ! -e /go ]; do usleep 10000; done; echo second; sleep 1000"
    container = driver.start("web", "", process=_on_terminal(script))
    driver.expect(container, "first")
    driver.kill_supervisor()
    driver.take_over()
    process = driver.state(container).process
    assert process is not None
    Path(f"/proc/{process.pid}/root/go").touch()
    driver.expect(container, "second")
    assert driver.output(container) == ["first", "second"]
    assert driver.state(container).status == "running"


def test_an_open_standard_input_is_read_and_never_ends(driver: Driver) -> None:
    process = Process(argv=("sh", "-c", "while read line; do echo got $line; done; echo ended"), stdin_open=True)
    container = driver.start("web", "", process=process)
    for word in ("one", "two"):
        fd = os.open(driver.stack.container(container) / "stdin", os.O_WRONLY)
        os.write(fd, f"{word}\n".encode())
        os.close(fd)
        driver.expect(container, f"got {word}")
    assert driver.state(container).status == "running"
    assert "ended" not in driver.output(container)
