"""HTTP/1.1 over one connection (RFC 9112), as far as registries speak it.

http.client would do, but it loads the email package, which takes half as long as a pull that changes nothing.
"""

import re
import socket
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl

    from engine.registries.endpoints import Origin

CHUNK: Final = 1 << 18
_LONGEST_HEAD: Final = 1 << 16
_LONGEST_LINE: Final = 1 << 10
_HEAD_PATIENCE: Final = 2
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\r\n]*)?")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SENDABLE = re.compile(r"[\x21-\x7e]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})(?:[ \t]*;.*)?")
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


class BrokenOffError(ConnectionError):
    """The other side ended the connection in the middle, or says what is no HTTP."""


class Response:
    """An answer: its head has been read, its body is read piece by piece. Names of fields are in lower case."""

    def __init__(self, connection: "Connection", status: int, fields: list[tuple[str, str]], *, bodiless: bool) -> None:
        self._connection = connection
        self.status = status
        self.fields = fields
        codings = [value.lower() for name, value in fields if name == "transfer-encoding"]
        lengths = {value for name, value in fields if name == "content-length"}
        self._chunked = bool(codings) and not bodiless
        self._left: int | None = None  # until the connection's end
        if bodiless:
            self._left = 0
        elif codings:
            if codings != ["chunked"]:
                raise BrokenOffError(f"its answer is coded in an unknown way: {codings[-1][:50]!r}")
            self._left = 0  # of the present chunk
        elif lengths:
            length = lengths.pop()
            if lengths or not (length.isascii() and length.isdigit()):
                raise BrokenOffError("its answer has no length that can be read")
            self._left = int(length)
        self.finished = not self._chunked and self._left == 0
        self._begun = False

    def read(self) -> bytes:
        """The next piece of the body, nothing at its end."""
        if self.finished:
            return b""
        if self._chunked and not self._left and not self._next_chunk():
            return b""
        piece = self._connection.receive(CHUNK if self._left is None else min(CHUNK, self._left))
        if self._left is None:
            self.finished = not piece
            self._connection.reusable = False
            return piece
        if not piece:
            raise BrokenOffError("it broke off in the middle of an answer")
        self._left -= len(piece)
        self.finished = not self._chunked and not self._left
        return piece

    def close(self) -> None:
        """Ends the answer; the connection with it unless all has been read."""
        if not self.finished:
            self._connection.close()

    def _next_chunk(self) -> bool:
        """Reads how long the next chunk is; False when that was the last."""
        if self._begun and self._connection.line(_LONGEST_LINE):
            raise BrokenOffError("its answer has chunks that run into each other")
        self._begun = True
        found = _CHUNK_SIZE.fullmatch(self._connection.line(_LONGEST_LINE))
        if found is None:
            raise BrokenOffError("its answer has a chunk without a size")
        self._left = int(found[1], 16)
        if not self._left:
            while self._connection.line(_LONGEST_HEAD):  # what comes behind the body says nothing to us
                pass
            self.finished = True
        return bool(self._left)


class Connection:
    """A connection for one request after the other; the next one may come when the last answer is finished."""

    def __init__(self, address: tuple[str, int], timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._socket = socket.create_connection(address, timeout_seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self.reusable = True
        self._last: Response | None = None

    @property
    def idle(self) -> bool:
        """Whether another request may be sent."""
        return self.reusable and (self._last is None or self._last.finished)

    def encrypt(self, context: "ssl.SSLContext", host: str) -> None:
        """Goes on in TLS with somebody who proves to be that host."""
        self._socket = context.wrap_socket(self._socket, server_hostname=host)

    def tunnel(self, origin: "Origin", headers: Mapping[str, str]) -> None:
        """Has a proxy connect us with somebody."""
        target = f"{origin.authority.removesuffix(f':{origin.port}')}:{origin.port}"
        self._socket.sendall(_head("CONNECT", target, {"Host": target, **headers}))
        status, _, _ = self._read_head()
        if not 200 <= status < 300:
            raise OSError(f"Tunnel connection failed: {status}")

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | Iterable[bytes]) -> Response:
        """Sends a request and reads the head of its answer; OSError when the connection breaks, or that takes too long.

        Where the body comes in pieces, the headers say how long it is.
        """
        length = (
            {"Content-Length": str(len(body))} if isinstance(body, bytes) and (body or method in _WITH_BODY) else {}
        )
        self._socket.settimeout(self._timeout_seconds)
        head = _head(method, target, {**headers, **length})
        self._socket.sendall(head + body if isinstance(body, bytes) else head)
        for piece in () if isinstance(body, bytes) else body:
            self._socket.sendall(piece)
        status, minor, fields = self._read_head()
        while status < 200:  # it lets us know that it goes on
            status, minor, fields = self._read_head()
        if minor == 0 or any(name == "connection" and "close" in value.lower() for name, value in fields):
            self.reusable = False
        bodiless = method == "HEAD" or status in {204, 304}
        self._last = Response(self, status, fields, bodiless=bodiless)
        return self._last

    def receive(self, most: int) -> bytes:
        """Some bytes of a body, nothing when the connection has ended."""
        if self._buffer:
            piece, self._buffer = self._buffer[:most], self._buffer[most:]
            return piece
        return self._socket.recv(most)

    def line(self, longest: int) -> bytes:
        """The next line without its end."""
        while (end := self._buffer.find(b"\n")) < 0:
            more = self._socket.recv(CHUNK) if len(self._buffer) <= longest else b""
            if not more:
                raise BrokenOffError("it broke off in the middle of an answer")
            self._buffer += more
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.removesuffix(b"\r")

    def cut(self) -> None:
        """Ends the connection under whoever waits for it."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def close(self) -> None:
        """Ends the connection."""
        self.reusable = False
        self._socket.close()

    def _read_head(self) -> tuple[int, int, list[tuple[str, str]]]:
        """The status, the protocol's minor version, the fields; TimeoutError for who sends a byte now and then."""
        deadline = time.monotonic() + _HEAD_PATIENCE * self._timeout_seconds
        while not (found := re.search(rb"\r?\n\r?\n", self._buffer)):
            if len(self._buffer) > _LONGEST_HEAD:
                raise BrokenOffError("its answer's head does not end")
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(min(left, self._timeout_seconds))
            more = self._socket.recv(_LONGEST_HEAD)
            if not more:
                raise BrokenOffError("it ends the connection without an answer")
            self._buffer += more
        self._socket.settimeout(self._timeout_seconds)
        first, *lines = re.split(rb"\r?\n", self._buffer[: found.start()])
        self._buffer = self._buffer[found.end() :]
        status = _STATUS_LINE.fullmatch(first)
        if status is None:
            raise BrokenOffError("its answer is no HTTP")
        return int(status[2]), int(status[1]), [_field(line) for line in lines]


def _field(line: bytes) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(name):
        raise BrokenOffError("its answer has a head that cannot be read")
    return name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    if not _SENDABLE.fullmatch(target) or not all(_VALUE.fullmatch(value) for value in headers.values()):
        raise BrokenOffError("the address that it gave cannot be asked for")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("ascii")
