"""The resolver of a stack: answers at 127.0.0.11 in every container's namespace, out of one process.

The sockets are made inside the containers' namespaces, so no packet is ever rewritten; the questions that are not ours
go out of the host's namespace. One container's flood waits behind the others' turns.
"""

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from net import links
from net.addresses import parse_block
from net.dnswire import HEADER, REFUSED, SERVFAIL, MalformedError, points_into
from net.errors import NetError
from net.forwarding import Forwarder, Inquiry, Way, connect_to
from net.names import Zone, answer, blocks_of, refusal
from net.namespaces import Enter
from net.rtnetlink import Rtnetlink
from net.watching import Watcher

ADDRESS = "127.0.0.11"
PORT = 53
MAX_OUTSTANDING_PER_CLIENT = 128
MAX_STREAMS_PER_CLIENT = 8
STREAM_SECONDS = 10.0
_DATAGRAMS_A_TURN = 16
_MAX_QUERY_BYTES = 4096
_NEVER_FROM_OUTSIDE = (parse_block("127.0.0.0/8"), parse_block("0.0.0.0/32"))

Send = Callable[[bytes], None]


class Resolver:
    """Answers for every container that it listens for. `zone_of` tells what a container may see, by its id."""

    def __init__(
        self,
        *,
        zone_of: Callable[[str], Zone],
        upstreams: Callable[[], tuple[str, ...]],
        watcher: Watcher,
        enter: Enter,
    ) -> None:
        self._zone_of = zone_of
        self._watcher = watcher
        self._enter = enter
        self._forwarder = Forwarder(upstreams=upstreams, watcher=watcher)
        self._clients: dict[str, _Client] = {}

    def listen(self, container_id: str, netns_fd: int, servers: Sequence[str] = ()) -> None:
        """Listen inside a container's namespace, with its loopback link up; replaces earlier sockets.

        What is not the stack's own is asked of the host's resolvers, or of the container's own `servers`: of these
        from inside its namespace, so that they get no farther than the container itself would.
        Bound while the link is down, a socket would send from 127.0.0.1, and no client would believe it.
        """
        self.ignore(container_id)
        with ExitStack() as undo, self._enter(netns_fd):
            with Rtnetlink() as netlink:
                netlink.send([links.link_up(links.LOOPBACK_INDEX, "the loopback link")])
            try:
                datagrams = undo.enter_context(_bind(socket.SOCK_DGRAM))
                streams = undo.enter_context(_bind(socket.SOCK_STREAM))
                streams.listen(MAX_STREAMS_PER_CLIENT)
            except OSError as error:
                raise NetError(
                    f"cannot answer names for container {container_id[:12]} at {ADDRESS}:{PORT}: {error.strerror}",
                    hint="does a program of its own listen there?",
                ) from error
            undo.pop_all()
        way = _OwnWay(tuple(servers), os.dup(netns_fd), self._enter) if servers else None
        self._clients[container_id] = _Client(
            datagrams, streams, self._watcher, self._forwarder, lambda: self._zone_of(container_id), way
        )

    def ignore(self, container_id: str) -> None:
        """Stop listening for a container; one that is not listened for is fine."""
        client = self._clients.pop(container_id, None)
        if client is not None:
            client.close()

    def close(self) -> None:
        """Stop listening for all."""
        for container_id in list(self._clients):
            self.ignore(container_id)


class _OwnWay:
    """A container's own resolvers, asked from inside its namespace."""

    def __init__(self, servers: tuple[str, ...], netns_fd: int, enter: Enter) -> None:
        self._netns_fd = netns_fd
        self._enter = enter
        self.way = Way(servers, self._connect)

    def close(self) -> None:
        os.close(self._netns_fd)

    def _connect(self, server: str, kind: int) -> socket.socket:
        with self._enter(self._netns_fd):
            return connect_to(server, kind)


class _Client:
    """One container: its two sockets, its conversations, its questions that are out."""

    def __init__(
        self,
        datagrams: socket.socket,
        streams: socket.socket,
        watcher: Watcher,
        forwarder: Forwarder,
        zone: Callable[[], Zone],
        own_way: _OwnWay | None,
    ) -> None:
        self._datagrams = datagrams
        self._streams = streams
        self._watcher = watcher
        self._forwarder = forwarder
        self._zone = zone
        self._own_way = own_way
        self._turn = 0
        self._inquiries: set[Inquiry] = set()
        self._conversations: set[_Conversation] = set()
        watcher.add_reader(datagrams.fileno(), self._read_datagrams)
        watcher.add_reader(streams.fileno(), self._accept)

    def close(self) -> None:
        for listening in (self._datagrams, self._streams):
            self._watcher.remove_reader(listening.fileno())
            listening.close()
        for conversation in list(self._conversations):
            conversation.close()
        for inquiry in list(self._inquiries):
            inquiry.cancel()
        if self._own_way is not None:
            self._own_way.close()

    def respond(self, query: bytes, send: Send, *, stream: bool) -> None:
        """Answer, now or later; `send` gets nothing for what deserves no answer."""
        self._turn += 1
        zone = self._zone()
        reply = answer(zone, query, turn=self._turn, stream=stream)
        if reply is None:
            self._forward(zone, query, send, stream=stream)
        elif reply:
            send(reply)

    def _forward(self, zone: Zone, query: bytes, send: Send, *, stream: bool) -> None:
        asked: list[Inquiry] = []

        def deliver(reply: bytes | None) -> None:
            self._inquiries.difference_update(asked)
            send(_judged(zone, query, reply))

        inquiry = None
        if len(self._inquiries) < MAX_OUTSTANDING_PER_CLIENT:
            way = self._own_way.way if self._own_way is not None else None
            inquiry = self._forwarder.ask(query, deliver, stream=stream, way=way)
        if inquiry is None:
            send(refusal(query, SERVFAIL))
        elif not inquiry.finished:
            asked.append(inquiry)
            self._inquiries.add(inquiry)

    def _read_datagrams(self) -> None:
        for _ in range(_DATAGRAMS_A_TURN):
            try:
                query, source = self._datagrams.recvfrom(_MAX_QUERY_BYTES)
            except OSError:  # nothing more, or an error that a former answer met
                return
            self.respond(query, partial(self._send_datagram, source), stream=False)

    def _send_datagram(self, source: tuple[str, int], reply: bytes) -> None:
        try:
            self._datagrams.sendto(reply, source)
        except OSError:
            return  # the client is gone, or does not read: it asks again

    def _accept(self) -> None:
        try:
            connection, _ = self._streams.accept()
        except OSError:
            return
        if len(self._conversations) >= MAX_STREAMS_PER_CLIENT:
            connection.close()
            return
        connection.setblocking(False)
        self._conversations.add(_Conversation(connection, self._watcher, self.respond, self._conversations.discard))


class _Conversation:
    """One TCP connection of a client: a query, its answer, the next query, and so on, for a limited time."""

    def __init__(
        self,
        connection: socket.socket,
        watcher: Watcher,
        respond: Callable[..., None],
        ended: "Callable[[_Conversation], None]",
    ) -> None:
        self._connection = connection
        self._watcher = watcher
        self._respond = respond
        self._ended = ended
        self._received = b""
        self._answering = False
        self._in_turn = False
        self._open = True
        self._cancel_timer = watcher.call_later(STREAM_SECONDS, self.close)
        watcher.add_reader(connection.fileno(), self._read)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._cancel_timer()
            self._watcher.remove_reader(self._connection.fileno())
            self._connection.close()
            self._ended(self)

    def _read(self) -> None:
        try:
            received = self._connection.recv(_MAX_QUERY_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        self._received += received
        if not received or len(self._received) > 2 * _MAX_QUERY_BYTES:
            self.close()
        else:
            self._next_query()

    def _next_query(self) -> None:
        while self._open and not self._answering:
            length = 2 + int.from_bytes(self._received[:2], "big")
            if len(self._received) < length:
                return
            query, self._received = self._received[2:length], self._received[length:]
            if len(query) < HEADER.size:
                self.close()
                return
            self._answering = self._in_turn = True
            self._respond(query, self._send, stream=True)
            self._in_turn = False

    def _send(self, reply: bytes) -> None:
        self._answering = False
        if not self._open:
            return
        frame = len(reply).to_bytes(2, "big") + reply
        try:
            sent = self._connection.send(frame)
        except OSError:
            sent = 0
        if sent < len(frame):  # the client does not read what it asked for
            self.close()
        elif not self._in_turn:
            self._next_query()


def _judged(zone: Zone, query: bytes, reply: bytes | None) -> bytes:
    """Pass an answer from outside on, unless it names an address that nobody outside has a say over."""
    if reply is None:
        return refusal(query, SERVFAIL)
    try:
        inside = points_into(reply, (*_NEVER_FROM_OUTSIDE, *blocks_of(zone)))
    except MalformedError:
        return refusal(query, SERVFAIL)
    return refusal(query, REFUSED) if inside else reply


def _bind(kind: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
    try:
        if kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((ADDRESS, PORT))
    except BaseException:
        bound.close()
        raise
    return bound
