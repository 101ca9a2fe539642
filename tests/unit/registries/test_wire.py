"""How long one listens to somebody who hardly speaks, and what is sent of a file."""

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from engine.registries.endpoints import Origin
from engine.registries.wire import Answer, Portion, UnreachableError, Wire


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as made:
        yield made


def origin(listener: socket.socket) -> Origin:
    return Origin("http", *listener.getsockname())


class Dripping:
    """A response that comes in four pieces of the same size."""

    status = 200
    fields = ()

    def __init__(self, size: int) -> None:
        self._pieces = iter([bytes(size // 4)] * 4)

    def read(self) -> bytes:
        return next(self._pieces, b"")


@pytest.mark.parametrize(("size", "enough"), [(20 << 10, False), (128 << 10, True)])
def test_an_answer_that_trickles_is_given_up(size: int, *, enough: bool) -> None:
    """The clock goes on by 16 seconds with every look; 30 KiB are wanted every 30 seconds."""
    time = iter(range(0, 10_000, 16))
    answer = Answer(Dripping(size), "somebody", lambda: next(time))  # type: ignore[arg-type]
    if enough:
        assert len(answer.body(1 << 20)) == size
    else:
        with pytest.raises(UnreachableError, match="somebody sends less than 1 KiB a second"):
            answer.body(1 << 20)


def test_a_head_that_never_ends_is_given_up(listener: socket.socket) -> None:
    """Each byte comes in time, the last one never."""
    stop = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not stop.wait(0.02):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    wire = Wire(timeout_seconds=0.1)
    try:
        with pytest.raises(UnreachableError, match="cannot be reached"):
            wire.ask("GET", origin(listener), "/x", {})
    finally:
        stop.set()
        thread.join()
        wire.close()


def test_a_portion_of_a_file_is_sent(listener: socket.socket) -> None:
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while b"cde" not in b"".join(heard):
                heard.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    with tempfile.TemporaryFile() as file:
        file.write(b"abcdef")
        file.flush()
        wire = Wire(timeout_seconds=5)
        try:
            assert wire.ask("PUT", origin(listener), "/x", {}, Portion(file.fileno(), 2, 3)).status == 201
        finally:
            wire.close()
            thread.join()
    assert b"Content-Length: 3\r\n" in b"".join(heard)
    assert b"".join(heard).endswith(b"\r\n\r\ncde")
