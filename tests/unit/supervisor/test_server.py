"""The supervisor's side of the socket: nobody's slowness is anybody else's."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from engine.protocol import Answered, Done, Event, Failure, Hello, Reply, Request, Shutdown, Subscribe
from engine.supervisor.loop import Loop
from engine.supervisor.server import Connection, Server
from engine.unixsockets import connect

EVENT = Event(time_ns=1, action="start", container_id="a" * 64, container_name="web", service="web")
LARGE = Failure(message="x" * (1 << 20))


def handle(connection: Connection, request: Request, answer: Callable[[Reply], None]) -> None:
    """Answers greetings, sends a megabyte to whoever asks for the end."""
    if isinstance(request, Subscribe):
        connection.subscribed = True
    answer(LARGE if isinstance(request, Shutdown) else Done())


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def server(loop: Loop, tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "sock", loop, handle)
    yield server
    for connection in tuple(server._connections):
        connection.close()
    server.close()


@pytest.fixture
def peer(server: Server, loop: Loop, tmp_path: Path) -> Iterator[socket.socket]:
    peer = connect(tmp_path / "sock", timeout_seconds=5)
    loop.turn()
    assert len(server._connections) == 1
    yield peer
    peer.close()


def line(number: int, request: Request) -> bytes:
    return msgspec.json.encode({"number": number, "request": request}) + b"\n"


def received(peer: socket.socket) -> list[Answered]:
    return [msgspec.json.decode(text, type=Answered) for text in peer.recv(1 << 16).splitlines()]


def test_requests_may_come_in_any_pieces(loop: Loop, peer: socket.socket) -> None:
    sent = line(1, Hello()) + line(2, Hello())
    for piece in (sent[:10], sent[10:50], sent[50:]):
        peer.sendall(piece)
        loop.turn()
    assert [answered.number for answered in received(peer)] == [1, 2]


def test_a_large_reply_goes_out_as_the_client_reads(loop: Loop, peer: socket.socket) -> None:
    peer.sendall(line(1, Shutdown()))
    text = b""
    while not text.endswith(b"\n"):
        loop.turn(0.01)
        text += peer.recv(1 << 16)
    assert msgspec.json.decode(text, type=Answered) == Answered(number=1, reply=LARGE)


def test_a_client_that_does_not_read_is_dropped_in_the_end(loop: Loop, server: Server, peer: socket.socket) -> None:
    for number in range(40):
        peer.sendall(line(number, Shutdown()))
        loop.turn()
        if not server._connections:
            break
    assert not server._connections
    assert number > 10


def test_events_go_to_subscribers_alone(loop: Loop, server: Server, peer: socket.socket) -> None:
    server.broadcast(EVENT)
    peer.sendall(line(1, Subscribe()))
    loop.turn()
    server.broadcast(EVENT)
    assert received(peer) == [Answered(number=1, reply=Done()), Answered(number=0, reply=EVENT)]


@pytest.mark.parametrize("nonsense", [b"GET / HTTP/1.1\r\n", b"\xff\xfe\n", b"[]\n", b'{"number": "x"}\n'])
def test_nonsense_ends_the_connection(loop: Loop, server: Server, peer: socket.socket, nonsense: bytes) -> None:
    peer.sendall(nonsense)
    loop.turn()
    assert not server._connections
    assert peer.recv(1) == b""


def test_a_line_without_an_end_is_not_kept_for_ever(loop: Loop, server: Server, peer: socket.socket) -> None:
    for _ in range(40):
        peer.sendall(b"x" * 32768)
        loop.turn()
        if not server._connections:
            break
    assert not server._connections


def test_an_unknown_request_is_answered_with_a_failure(loop: Loop, peer: socket.socket) -> None:
    peer.sendall(b'{"number": 5, "request": {"type": "levitate"}}\n')
    loop.turn()
    (answered,) = received(peer)
    assert answered.number == 5
    assert isinstance(answered.reply, Failure)


def test_a_client_that_went_away_is_forgotten(loop: Loop, server: Server, peer: socket.socket) -> None:
    peer.close()
    loop.turn()
    assert not server._connections


def test_the_socket_is_ours_alone(server: Server, tmp_path: Path) -> None:
    assert (tmp_path / "sock").stat().st_mode & 0o777 == 0o600
    server.close()
    assert not (tmp_path / "sock").exists()


def test_a_removed_socket_is_made_again(tmp_path: Path) -> None:
    now = 0.0
    loop = Loop(clock=lambda: now)
    server = Server(tmp_path / "sock", loop, handle)
    (tmp_path / "sock").unlink()
    now = 2.0
    loop.turn()
    peer = connect(tmp_path / "sock", timeout_seconds=5)
    loop.turn()
    peer.sendall(line(1, Hello()))
    loop.turn()
    assert received(peer) == [Answered(number=1, reply=Done())]
    peer.close()
    loop.turn()
    server.close()
    loop.close()


def test_a_closed_server_makes_no_socket(tmp_path: Path) -> None:
    now = 0.0
    loop = Loop(clock=lambda: now)
    Server(tmp_path / "sock", loop, handle).close()
    now = 2.0
    loop.turn(0)
    assert not (tmp_path / "sock").exists()
    loop.close()
