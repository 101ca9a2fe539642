"""A real supervisor process without containers, spoken to by real clients: needs no root."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.client import connect
from engine.errors import RequestError, SupervisorError
from engine.layout import Layout, StackLayout
from engine.protocol import Done, Picture, Remove, Shutdown, Snapshot, Stop
from engine.spawn import spawn_supervisor, warm_supervisor


@pytest.fixture
def stack(tmp_path: Path) -> StackLayout:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    return Layout(run=deep / "run", data=deep / "data").stack("shop")


def wait_for_end(pid: int) -> None:
    os.waitpid(pid, 0)


def test_a_supervisor_is_started_asked_and_shut_down_without_a_trace(stack: StackLayout) -> None:
    with connect(stack, spawn=True) as client:
        assert client.ask(Snapshot()) == Picture(containers=(), networks=())
        assert stack.socket.stat().st_mode & 0o777 == 0o600
        assert client.ask(Shutdown()) == Done()
    wait_for_end(client.greeting.pid)
    assert not stack.directory.exists()


def test_without_spawn_a_missing_supervisor_is_named(stack: StackLayout) -> None:
    with pytest.raises(SupervisorError, match="no supervisor runs for stack shop"):
        connect(stack, spawn=False)


def test_two_spawns_at_once_leave_one_supervisor(stack: StackLayout) -> None:
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: spawn_supervisor(stack), range(3)))
    with connect(stack, spawn=False) as first, connect(stack, spawn=False) as second:
        assert first.greeting.pid == second.greeting.pid
        first.ask(Shutdown())
    for _ in range(3):
        os.wait()


def test_a_warm_supervisor_takes_a_stack_later_or_ends_by_itself(stack: StackLayout) -> None:
    with warm_supervisor(stack.roots) as unused, warm_supervisor(stack.roots) as warm:
        client = connect(stack, spawn=True, warm=warm)
        assert unused is not warm
    client.ask(Shutdown())
    client.close()
    for _ in range(2):
        os.wait()
    assert not stack.directory.exists()


def test_after_kill_9_another_supervisor_takes_over(stack: StackLayout) -> None:
    with connect(stack, spawn=True) as client:
        os.kill(client.greeting.pid, signal.SIGKILL)
        wait_for_end(client.greeting.pid)
        with pytest.raises(SupervisorError, match="ended while it was asked"):
            client.ask(Snapshot())
    with connect(stack, spawn=True) as successor:
        assert successor.ask(Snapshot()) == Picture(containers=(), networks=())
        successor.ask(Shutdown())
    wait_for_end(successor.greeting.pid)


def test_nonsense_ends_the_connection_and_nobody_elses(stack: StackLayout) -> None:
    with connect(stack, spawn=True) as client:
        with socket.socket(socket.AF_UNIX) as stranger:
            directory = os.open(stack.directory, os.O_PATH)
            stranger.connect(f"/proc/self/fd/{directory}/supervisor.sock")
            os.close(directory)
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert stranger.recv(100) == b""
        client.ask(Shutdown())
    wait_for_end(client.greeting.pid)


def test_a_request_from_another_version_is_refused_by_number(stack: StackLayout) -> None:
    with connect(stack, spawn=True) as client:
        client._peer.sendall(b'{"number": 77, "request": {"type": "levitate"}}\n')
        number, reply = client.receive()
        assert number == 77
        assert "does not understand" in getattr(reply, "message", "")
        client.ask(Shutdown())
    wait_for_end(client.greeting.pid)


def test_an_unknown_container_cannot_be_stopped_but_counts_as_removed(stack: StackLayout) -> None:
    with connect(stack, spawn=True) as client:
        with pytest.raises(RequestError, match="no container"):
            client.ask(Stop(id="a" * 64))
        assert client.ask(Remove(id="a" * 64)) == Done()
        client.ask(Shutdown())
    wait_for_end(client.greeting.pid)
