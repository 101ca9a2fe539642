"""Containers on a terminal, and such that somebody may type to."""

import os
import select
from pathlib import Path

import pytest

from engine.protocol import Attach, Event, Kill, Start, Subscribe
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


class _Listener:
    """Pipes of a client that attaches."""

    def __init__(self, driver: Driver, container: str, *, stdin: int | None = None) -> None:
        self.out, stdout = os.pipe2(os.O_CLOEXEC)
        self.err, stderr = os.pipe2(os.O_CLOEXEC)
        driver.client.ask(Attach(id=container), (stdout, stderr, *([stdin] if stdin is not None else [])))
        os.close(stdout)
        os.close(stderr)

    def all(self) -> tuple[bytes, bytes]:
        """Everything until the container's end."""
        with os.fdopen(self.out, "rb") as out, os.fdopen(self.err, "rb") as err:
            return out.read(), err.read()


def test_who_attaches_before_the_start_gets_every_byte_in_and_out(driver: Driver) -> None:
    container = driver.create("web", "cat; echo -n wrong >&2; exit 3")
    stdin, our_end = os.pipe2(os.O_CLOEXEC)
    listener = _Listener(driver, container, stdin=stdin)
    os.close(stdin)
    driver.ask(Start(id=container))
    os.write(our_end, b"\0binary\xff without an end")
    os.close(our_end)
    assert listener.all() == (b"\0binary\xff without an end", b"wrong")
    assert driver.wait(container).exit_code == 3


def test_a_listener_who_does_not_read_holds_the_container_back_and_loses_nothing(driver: Driver) -> None:
    container = driver.create("web", "seq 1 300000; echo over >&2")
    listener = _Listener(driver, container)
    driver.ask(Start(id=container))
    assert select.select([listener.err], [], [], 0.5)[0] == [], "it goes on though nobody reads"
    out, err = listener.all()
    assert out == "".join(f"{number}\n" for number in range(1, 300_001)).encode()
    assert err == b"over\n"


def test_a_listener_who_goes_away_lets_the_container_go_on(driver: Driver) -> None:
    container = driver.create("web", "seq 1 300000 >&2; exit 4")
    listener = _Listener(driver, container)
    driver.ask(Start(id=container))
    os.close(listener.out)
    os.close(listener.err)
    assert driver.wait(container).exit_code == 4
    assert driver.output(container)[-1] == "300000"


def test_a_container_may_remove_itself_at_its_end(driver: Driver) -> None:
    container = driver.create("web", "sleep 1000", remove_at_end=True)
    driver.client.ask(Subscribe())
    driver.ask(Start(id=container))
    driver.ask(Kill(id=container))
    while not (isinstance(reply := driver.client.receive()[1], Event) and reply.action == "remove"):
        pass
    assert not driver.picture().containers
