"""A client whose supervisor is there, slow or stopped."""

import os
import socket
import threading
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

import msgspec
import pytest

from engine.client import Client
from engine.errors import SupervisorError
from engine.layout import Layout, StackLayout
from engine.protocol import Answered, Asked, Done, Greeting, Hello, Snapshot

STACK: StackLayout = Layout(run=Path("/run/windlass"), data=Path("/var/lib/windlass")).stack("shop")
PATIENCE_SECONDS = 0.05


def converse(due: Callable[[list[Asked]], list[Asked]], act: Callable[[Client], object]) -> list[str]:
    """Lets `act` speak to a supervisor that, at each request, answers those that are `due`; gives what it was asked."""
    near, far = socket.socketpair()
    near.settimeout(PATIENCE_SECONDS)
    asked: list[Asked] = []

    def serve() -> None:
        with far.makefile("rb") as lines:
            for line in lines:
                asked.append(msgspec.json.decode(line, type=Asked))
                for each in due(asked):
                    reply = Greeting(version="1", pid=1) if isinstance(each.request, Hello) else Done()
                    far.sendall(msgspec.json.encode(Answered(number=each.number, reply=reply)) + b"\n")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with Client(near, STACK) as client:
            act(client)
    finally:
        near.close()
        thread.join()
        far.close()
    return [type(each.request).__name__ for each in asked]


def test_a_supervisor_that_answers_greetings_is_waited_for() -> None:
    def due(asked: list[Asked]) -> list[Asked]:
        greeted = [each for each in asked if isinstance(each.request, Hello)]
        return [asked[-1]] if len(greeted) < 4 else [asked[-1], asked[1]]

    def act(client: Client) -> None:
        assert client.ask(Snapshot()) == Done()

    assert converse(lambda asked: [] if len(asked) == 2 else due(asked), act)[:5] == [
        "Hello",
        "Snapshot",
        *["Hello"] * 3,
    ]


def test_a_supervisor_that_answers_nothing_is_given_up_with_its_process() -> None:
    def act(client: Client) -> None:
        expected = rf"the supervisor of stack shop \(process {os.getpid()}\) does not answer"
        with pytest.raises(SupervisorError, match=expected) as caught:
            client.ask(Snapshot())
        assert f"kill -9 {os.getpid()}" in caught.value.hint

    assert converse(lambda asked: asked if len(asked) == 1 else [], act) == ["Hello", "Snapshot", "Hello"]


def test_one_that_reads_nothing_either_is_given_up() -> None:
    near, far = socket.socketpair()
    near.settimeout(PATIENCE_SECONDS)
    far.sendall(msgspec.json.encode(Answered(number=1, reply=Greeting(version="1", pid=1))) + b"\n")
    with Client(near, STACK) as client, pytest.raises(SupervisorError, match="does not answer"):
        list(map(client.send, repeat(Snapshot())))
    far.close()
