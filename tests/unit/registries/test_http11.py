"""HTTP as others speak it, well and badly."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from engine.registries.http11 import BrokenOffError, Connection

HEAD = b"HTTP/1.1 200 OK\r\n"


class Other:
    """The other side: answers the n-th request with the n-th text, then ends the connection."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._threads: list[threading.Thread] = []
        self.heard: list[bytes] = []

    def connection(self, *answers: bytes) -> Connection:
        def serve() -> None:
            peer, _ = self._server.accept()
            with peer:
                for answer in answers:
                    self.heard.append(peer.recv(65536))
                    peer.sendall(answer)

        self._threads.append(threading.Thread(target=serve))
        self._threads[-1].start()
        return Connection(self._server.getsockname(), 5)

    def end(self) -> None:
        for thread in self._threads:
            thread.join()


@pytest.fixture
def other() -> Iterator[Other]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        made = Other(server)
        yield made
        made.end()


def body_of(other: Other, answer: bytes, method: str = "GET") -> bytes:
    with closing(other.connection(answer)) as connection:
        response = connection.ask(method, "/", {}, b"")
        found = b"".join(iter(response.read, b""))
        assert response.finished
        return found


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello and more", b"hello"),
        (b"Content-Length: 0\r\n\r\n", b""),
        (b"\r\nuntil the end", b"until the end"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: x\r\n\r\n", b"hello world"),
        (b"transfer-encoding: Chunked\nContent-Length: 3\n\n5\nhello\n0\n\n", b"hello"),
    ],
)
def test_bodies_of_all_kinds(other: Other, rest: bytes, expected: bytes) -> None:
    assert body_of(other, HEAD + rest) == expected


def test_some_answers_have_no_body_whatever_they_say(other: Other) -> None:
    assert body_of(other, HEAD + b"Content-Length: 5\r\n\r\n", "HEAD") == b""
    assert body_of(other, b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n") == b""
    assert body_of(other, b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 1\r\n\r\nx") == b"x"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 2OO OK\r\n\r\n",
        HEAD + b"no colon\r\n\r\n",
        HEAD + b"A: b\r\n folded\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        HEAD + b"Content-Length: -5\r\n\r\nhello",
        HEAD + b"Content-Length: 5\r\n\r\nhell",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello world\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 5000,
        HEAD + b"A: " + b"x" * 70_000,
        HEAD,
    ],
)
def test_what_is_no_answer_is_refused(other: Other, answer: bytes) -> None:
    with pytest.raises(BrokenOffError):
        body_of(other, answer)


def test_a_connection_is_used_again_once_all_was_read(other: Other) -> None:
    answer = HEAD + b"X: 1\r\nx: 2\r\nContent-Length: 2\r\n\r\nhi"
    with closing(other.connection(answer, answer)) as connection:
        first = connection.ask("PUT", "/a?b=c", {"Host": "there"}, b"")
        assert first.fields == [("x", "1"), ("x", "2"), ("content-length", "2")]
        assert not connection.idle
        assert first.read() == b"hi"
        assert connection.idle
        assert connection.ask("POST", "/", {}, b"abc").status == 200
    other.end()
    assert other.heard == [
        b"PUT /a?b=c HTTP/1.1\r\nHost: there\r\nContent-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    ]


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\n", HEAD + b"Connection: Close\r\n"])
def test_a_connection_that_will_be_ended_is_not_used_again(other: Other, head: bytes) -> None:
    with closing(other.connection(head + b"Content-Length: 0\r\n\r\n")) as connection:
        connection.ask("GET", "/", {}, b"")
        assert not connection.idle


@pytest.mark.parametrize(("target", "value"), [("/a b", ""), ("/\r\nX: y", ""), ("/ü", ""), ("/", "a\r\nX: y")])
def test_nothing_is_smuggled_into_a_request(other: Other, target: str, value: str) -> None:
    with closing(other.connection()) as connection, pytest.raises(BrokenOffError, match="cannot be asked for"):
        connection.ask("GET", target, {"Name": value}, b"")
