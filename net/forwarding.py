"""Asks the host's resolvers what is not ours to answer.

Each attempt has a socket and a number of its own, both random: an answer is believed when it comes from the resolver
that was asked, to that socket, with that number and the question that was asked.
"""

import os
import select
import socket
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

from net.dnswire import HEADER, QR, RCODE_MASK, SERVFAIL, MalformedError, read_question
from net.watching import Watcher

ATTEMPT_SECONDS = 2.0
MAX_ATTEMPTS = 4
MAX_OUTSTANDING = 1024
_PORT = 53
_MAX_MESSAGE_BYTES = 65535

Connect = Callable[[str, int], socket.socket]
"""Opens a socket of a type towards a resolver, given by its address; raises OSError."""

Deliver = Callable[[bytes | None], None]
"""Takes the answer, with the number of the query that it answers; None when there is none."""


class Attempt(Protocol):
    """One query on its way to one resolver."""

    def close(self) -> None:
        """Give it up; its outcome is no longer reported."""


class Forwarder:
    """Keeps count of the questions that are out, and of which resolver answered last."""

    def __init__(self, *, upstreams: Callable[[], tuple[str, ...]], watcher: Watcher) -> None:
        self._upstreams = upstreams
        self._watcher = watcher
        self._outstanding = 0
        self._preferred = ""

    def ask(self, query: bytes, deliver: Deliver, *, stream: bool, way: "Way | None" = None) -> "Inquiry | None":
        """Ask; None when too many questions are out already. `deliver` may be called before this returns.

        Without a `way` of its own, a question goes to the host's resolvers, by sockets of the host's.
        """
        if self._outstanding >= MAX_OUTSTANDING:
            return None
        servers, connect = way or Way(self._upstreams(), connect_to)
        servers = tuple(sorted(servers, key=lambda server: server != self._preferred))
        self._outstanding += 1
        attempts = (servers * 2)[:MAX_ATTEMPTS]
        inquiry = Inquiry(query, attempts, self._watcher, self._settle, deliver, connect, stream=stream)
        inquiry.proceed()
        return inquiry

    def _settle(self, server: str) -> None:
        self._outstanding -= 1
        self._preferred = server or self._preferred


class Way(NamedTuple):
    """Where questions go, and how one gets there."""

    servers: tuple[str, ...]
    connect: Connect


class Inquiry:
    """One question, put to one resolver after the other until one answers."""

    def __init__(
        self,
        query: bytes,
        servers: tuple[str, ...],
        watcher: Watcher,
        settle: Callable[[str], None],
        deliver: Deliver,
        connect: Connect,
        *,
        stream: bool,
    ) -> None:
        self._query = query
        self._servers = list(servers)
        self._connect = connect
        self._watcher = watcher
        self._settle = settle
        self._deliver = deliver
        self._kind = socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
        self._attempt: Attempt | None = None
        self._cancel_timer: Callable[[], None] | None = None
        self.finished = False

    def proceed(self) -> None:
        """Put the question to the next resolver."""
        while self._servers and not self.finished:
            server = self._servers.pop(0)
            try:
                towards = self._connect(server, self._kind)
            except OSError:
                continue
            attempt = _Stream if self._kind == socket.SOCK_STREAM else _Datagram
            try:
                self._attempt = attempt(towards, self._query, self._watcher, partial(self._hear, server))
            except OSError:
                towards.close()
                continue
            self._cancel_timer = self._watcher.call_later(ATTEMPT_SECONDS, self._give_up_attempt)
            return
        self._finish("", None)

    def cancel(self) -> None:
        """Forget the question; nothing is delivered."""
        self._deliver = lambda _reply: None
        self._finish("", None)

    def _hear(self, server: str, reply: bytes | None) -> None:
        failed = reply is None or HEADER.unpack_from(reply)[1] & RCODE_MASK == SERVFAIL
        if failed and self._servers:
            self._give_up_attempt()
        else:
            self._finish(server, reply)

    def _give_up_attempt(self) -> None:
        self._close_attempt()
        self.proceed()

    def _close_attempt(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None
        if self._attempt is not None:
            self._attempt.close()
            self._attempt = None

    def _finish(self, server: str, reply: bytes | None) -> None:
        if self.finished:
            return
        self.finished = True
        self._close_attempt()
        self._settle(server)
        self._deliver(None if reply is None else self._query[:2] + reply[2:])


class _Datagram:
    """An attempt by UDP."""

    def __init__(self, towards: socket.socket, query: bytes, watcher: Watcher, outcome: Deliver) -> None:
        self._sent = os.urandom(2) + query[2:]
        self._watcher = watcher
        self._outcome = outcome
        self._socket = towards
        self._socket.send(self._sent)
        watcher.add_reader(self._socket.fileno(), self._read)

    def close(self) -> None:
        self._watcher.remove_reader(self._socket.fileno())
        self._socket.close()

    def _read(self) -> None:
        try:
            reply = self._socket.recv(_MAX_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:  # nobody listens there
            self._outcome(None)
            return
        if _answers(self._sent, reply):
            self._outcome(reply)


class _Stream:
    """An attempt by TCP. An epoll of its own, readable when it has events, stands for the socket in the loop."""

    def __init__(self, towards: socket.socket, query: bytes, watcher: Watcher, outcome: Deliver) -> None:
        self._sent = os.urandom(2) + query[2:]
        self._watcher = watcher
        self._outcome = outcome
        self._received = b""
        self._unsent = len(self._sent).to_bytes(2, "big") + self._sent
        self._socket = towards
        self._events = select.epoll()
        self._events.register(self._socket, select.EPOLLOUT)
        watcher.add_reader(self._events.fileno(), self._continue)

    def close(self) -> None:
        self._watcher.remove_reader(self._events.fileno())
        self._events.close()
        self._socket.close()

    def _continue(self) -> None:
        try:
            if self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
                if not self._unsent:
                    self._events.modify(self._socket, select.EPOLLIN)
                return
            received = self._socket.recv(_MAX_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._outcome(None)
            return
        self._received += received
        length = 2 + int.from_bytes(self._received[:2], "big")
        if len(self._received) >= max(length, HEADER.size):
            reply = self._received[2:length]
            self._outcome(reply if _answers(self._sent, reply) else None)
        elif not received:
            self._outcome(None)


def connect_to(server: str, kind: int) -> socket.socket:
    """Open a socket towards a resolver, given by address alone; a name here is an OSError, and never looked up."""
    family, _, _, _, address = socket.getaddrinfo(server, _PORT, type=kind, flags=socket.AI_NUMERICHOST)[0]
    towards = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    try:
        towards.connect(address)
    except BlockingIOError:
        pass
    except OSError:
        towards.close()
        raise
    return towards


def _answers(query: bytes, reply: bytes) -> bool:
    """Tell whether a message is the answer to a query: its number, and its question whatever the case."""
    if len(reply) < HEADER.size or reply[:2] != query[:2]:
        return False
    _, flags, questions, *_ = HEADER.unpack_from(reply)
    if not flags & QR or questions != 1:
        return False
    try:
        asked, repeated = read_question(query), read_question(reply)
    except MalformedError:
        return False
    return asked == repeated and query[HEADER.size : asked.end].lower() == reply[HEADER.size : repeated.end].lower()
