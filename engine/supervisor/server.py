"""Speaks engine.protocol with the clients on the stack's socket: JSON lines in, JSON lines out, nobody waited for."""

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine import handover
from engine.protocol import MAX_LINE_BYTES, Answered, Asked, Event, Failure, Reply, Request
from engine.supervisor.loop import READABLE, WRITABLE, Loop
from engine.unixsockets import listen, peer_uid

_CHUNK_BYTES = 1 << 16
_BACKLOG = 128
_PAUSE_SECONDS = 0.5
_LOOK_SECONDS = 2.0
_UNREAD_LIMIT_BYTES = 16 << 20

_encode = msgspec.json.Encoder().encode
_asked_decoder = msgspec.json.Decoder(Asked)


class _Number(msgspec.Struct):
    number: int = 0


_number_decoder = msgspec.json.Decoder(_Number)

Answer = Callable[[Reply], None]
Handler = Callable[["Connection", Request, Answer], None]


class Connection:
    """One client. It is dropped when it sends what is no request, or leaves 16 MiB of replies unread.

    `at_end` is called when it is gone, however it went.
    """

    def __init__(
        self, peer: socket.socket, loop: Loop, handler: Handler, on_end: Callable[["Connection"], None]
    ) -> None:
        self.subscribed = False
        self.at_end: list[Callable[[], None]] = []
        self._peer = peer
        self._loop = loop
        self._handler = handler
        self._on_end = on_end
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._fds: list[int] = []
        loop.watch(peer.fileno(), READABLE, self._on_ready)

    def send(self, answered: bytes) -> None:
        """Sends one encoded line, now or as the client reads; silently nothing once the client is gone."""
        if self._peer.fileno() < 0:
            return
        if not self._outgoing:
            try:
                sent = self._peer.send(answered)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.close()
                return
            answered = answered[sent:]
        if not answered:
            return
        self._outgoing += answered
        if len(self._outgoing) > _UNREAD_LIMIT_BYTES:
            self.close()
        else:
            self._loop.watch(self._peer.fileno(), READABLE | WRITABLE, self._on_ready)

    def close(self) -> None:
        """Ends the connection; what was not sent yet is lost."""
        if self._peer.fileno() >= 0:
            self._loop.forget(self._peer.fileno())
            self._peer.close()
            for fd in self.take_descriptors():
                os.close(fd)
            for callback in self.at_end:
                callback()
            self._on_end(self)

    def take_descriptors(self) -> list[int]:
        """The descriptors that came with the requests so far; whoever takes them closes them."""
        taken, self._fds = self._fds, []
        return taken

    def flush(self) -> None:
        """Sends what is left, waiting for a client that reads, but not for one that does not."""
        with contextlib.suppress(OSError):
            self._peer.settimeout(1.0)
            self._peer.sendall(self._outgoing)

    def _on_ready(self, events: int) -> None:
        if events & WRITABLE:
            self._send_rest()
        elif events:
            self._receive()

    def _send_rest(self) -> None:
        try:
            sent = self._peer.send(self._outgoing)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        del self._outgoing[:sent]
        if not self._outgoing:
            self._loop.watch(self._peer.fileno(), READABLE, self._on_ready)

    def _receive(self) -> None:
        try:
            chunk, fds = handover.receive(self._peer, _CHUNK_BYTES)
            self._fds += fds
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.close()
            return
        self._incoming += chunk
        *lines, rest = self._incoming.split(b"\n")
        self._incoming = rest
        for line in lines:
            if self._peer.fileno() < 0:
                return
            self._take(bytes(line))
        if len(self._incoming) > MAX_LINE_BYTES:
            self.close()

    def _take(self, line: bytes) -> None:
        if len(line) > MAX_LINE_BYTES:
            self.close()
            return
        try:
            asked = _asked_decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeError) as error:
            self._refuse(line, error)
            return
        self._handler(self, asked.request, self._answer_to(asked.number))

    def _answer_to(self, number: int) -> Answer:
        def answer(reply: Reply) -> None:
            self.send(_encode(Answered(number=number, reply=reply)) + b"\n")

        return answer

    def _refuse(self, line: bytes, error: Exception) -> None:
        """Answers a request of another version, ends the connection for what is no request at all."""
        try:
            number = _number_decoder.decode(line).number
        except (msgspec.MsgspecError, UnicodeError):
            self.close()
            return
        self._answer_to(number)(
            Failure(
                message=f"the supervisor does not understand the request: {error}",
                hint="it may be of another version of windlass; `windlass down` and `up` replace it",
            )
        )


class Server:
    """Listens on a stack's socket. Only processes of our own user are served.

    When somebody removes the socket's file, it is made again: until then no command could reach the supervisor.
    """

    def __init__(self, path: Path, loop: Loop, handler: Handler) -> None:
        self._path = path
        self._loop = loop
        self._handler = handler
        self._connections: set[Connection] = set()
        self._socket = listen(path, backlog=_BACKLOG)
        loop.watch(self._socket.fileno(), READABLE, self._accept)
        loop.call_later(_LOOK_SECONDS, self._look_for_socket)

    def broadcast(self, event: Event) -> None:
        """Sends an event to everybody who subscribed."""
        subscribers = [connection for connection in self._connections if connection.subscribed]
        if subscribers:
            line = _encode(Answered(number=0, reply=event)) + b"\n"
            for connection in subscribers:
                connection.send(line)

    def stop_listening(self) -> None:
        """Takes no more clients and removes the socket's file; those that are here are served on."""
        if self._socket.fileno() >= 0:
            self._path.unlink(missing_ok=True)
            self._loop.forget(self._socket.fileno())
            self._socket.close()

    def close(self) -> None:
        """Sends what is left to send, then ends every connection."""
        self.stop_listening()
        for connection in tuple(self._connections):
            connection.flush()
            connection.close()

    def _accept(self, _events: int) -> None:
        try:
            peer, _address = self._socket.accept()
        except BlockingIOError:
            return
        except OSError:  # descriptors ran out: clients wait in the backlog meanwhile
            self._loop.forget(self._socket.fileno())
            self._loop.call_later(_PAUSE_SECONDS, self._listen_again)
            return
        peer.setblocking(False)
        if peer_uid(peer) == os.geteuid():
            self._connections.add(Connection(peer, self._loop, self._handler, self._connections.discard))
        else:
            peer.close()

    def _look_for_socket(self) -> None:
        if self._socket.fileno() < 0:
            return
        if not self._path.exists():
            with contextlib.suppress(OSError):  # its directory may be gone, too; it is tried again
                renewed = listen(self._path, backlog=_BACKLOG)
                self._loop.forget(self._socket.fileno())
                self._socket.close()
                self._socket = renewed
                self._listen_again()
        self._loop.call_later(_LOOK_SECONDS, self._look_for_socket)

    def _listen_again(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.watch(self._socket.fileno(), READABLE, self._accept)
