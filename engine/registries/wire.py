"""HTTP requests, one at a time a thread, over connections that are kept.

Nothing is followed, repeated or authorised here: each of these is a decision of its callers.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from engine.errors import ImageError
from engine.registries.endpoints import Origin
from engine.registries.http11 import CHUNK, Connection, Response
from engine.registries.proxies import Proxies, Proxy
from engine.version import VERSION

if TYPE_CHECKING:
    import ssl

TIMEOUT_SECONDS: Final = 30.0
_DIRECTLY: Final = Proxies()
_PACE_SECONDS: Final = 30.0
_PACE_BYTES: Final = 30 << 10
_NEVER_TWICE = frozenset(("PATCH", "PUT"))  # the other side may have taken it


class UnreachableError(ImageError):
    """The other side did not answer, or broke off: trying again may help, after `wait_seconds` at the earliest."""

    def __init__(self, message: str, *, hint: str = "", wait_seconds: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.wait_seconds = wait_seconds


class Portion(NamedTuple):
    """A part of an open file that is sent as a request's body."""

    file: int
    start: int
    size: int

    def pieces(self) -> Iterator[bytes]:
        """The part's bytes. The file's position does not matter, and stays."""
        at, end = self.start, self.start + self.size
        while at < end:
            piece = os.pread(self.file, min(CHUNK, end - at), at)
            if not piece:
                raise ImageError("a file that is being sent has become shorter")
            yield piece
            at += len(piece)


Body = bytes | Portion | None


class Answer:
    """A response whose body is still to be read; closing it early costs the connection."""

    def __init__(self, response: Response, address: str, clock: Callable[[], float]) -> None:
        self._response = response
        self._address = address
        self._clock = clock
        self.status = response.status

    def header(self, name: str) -> str:
        """A header's value, empty where there is none."""
        return next(iter(self.headers(name)), "")

    def headers(self, name: str) -> tuple[str, ...]:
        """All values of a header that may come more than once."""
        return tuple(value for field, value in self._response.fields if field == name.lower())

    def body(self, most: int) -> bytes:
        """The whole body; ImageError when it is longer than `most`."""
        pieces = []
        count = 0
        for piece in self.pieces():
            count += len(piece)
            if count > most:
                raise ImageError(f"{self._address} answers with more than {most:,} bytes where few are expected")
            pieces.append(piece)
        return b"".join(pieces)

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes. UnreachableError when it breaks off, or comes so slowly that it would never end."""
        began, count = self._clock(), 0
        while True:
            try:
                piece = self._response.read()
            except OSError as error:
                raise _unreachable(self._address, error) from error
            if not piece:
                break
            count += len(piece)
            if self._clock() - began > _PACE_SECONDS:
                if count < _PACE_BYTES:
                    raise UnreachableError(f"{self._address} sends less than 1 KiB a second")
                began, count = self._clock(), 0
            yield piece

    def close(self) -> None:
        """Ends the answer, read or not."""
        self._response.close()


class Wire:
    """Connections to registries, kept for the next request of the same thread."""

    def __init__(
        self,
        timeout_seconds: float = TIMEOUT_SECONDS,
        proxies: Proxies = _DIRECTLY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._proxies = proxies
        self._clock = clock
        self._own = threading.local()
        self._all: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._context: ssl.SSLContext | None = None

    def ask(self, method: str, origin: Origin, url: str, headers: Mapping[str, str], body: Body = None) -> Answer:
        """Sends a request and returns its answer, whatever its status; UnreachableError when there is none."""
        split = urlsplit(url)
        target = (split.path or "/") + (f"?{split.query}" if split.query else "")
        sent = {"User-Agent": f"windlass/{VERSION}", "Accept-Encoding": "identity", **headers}
        connections = self._connections()
        kept = connections.pop(origin, None)
        if kept is not None and kept.idle:
            try:
                return self._sent(kept, origin, method, target, sent, body)
            except OSError as error:
                kept.close()  # it may have been closed by the other side since the last request
                if method in _NEVER_TWICE:
                    raise _unreachable(origin.url, error) from error
        elif kept is not None:
            kept.close()
        try:
            return self._sent(self._connected(origin), origin, method, target, sent, body)
        except OSError as error:
            raise _unreachable(origin.url, error) from error

    def close(self) -> None:
        """Ends all connections, of whichever thread; nothing more can be asked."""
        with self._lock:
            self._closed = True
            for connection in self._all:
                connection.cut()
                connection.close()
            self._all.clear()

    def _connections(self) -> dict[Origin, Connection]:
        connections: dict[Origin, Connection] | None = getattr(self._own, "connections", None)
        if connections is None:
            connections = self._own.connections = {}
        return connections

    def _connected(self, origin: Origin) -> Connection:
        proxy = self._proxies.towards(origin)
        address = (proxy.host, proxy.port) if proxy else (origin.host, origin.port)
        connection = Connection(address, self._timeout_seconds)
        with self._lock:
            if self._closed:
                connection.close()
                raise ImageError(f"{origin.url} is not asked any more")
            self._all.append(connection)
        if origin.scheme == "https":
            if proxy:
                connection.tunnel(origin, _told(proxy))
            connection.encrypt(self._trust(), origin.host)
        return connection

    def _trust(self) -> "ssl.SSLContext":
        """Whom the host believes to be who they say."""
        import ssl  # noqa: PLC0415 - loopback does without

        with self._lock:
            self._context = self._context or ssl.create_default_context()
            return self._context

    def _sent(
        self,
        connection: Connection,
        origin: Origin,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Body,
    ) -> Answer:
        sent = {"Host": origin.authority, **headers}
        if isinstance(body, Portion):
            sent["Content-Length"] = str(body.size)
        proxy = self._proxies.towards(origin) if origin.scheme == "http" else None
        if proxy:
            target = f"{origin.url}{target}"
            sent |= _told(proxy)
        try:
            response = connection.ask(method, target, sent, body.pieces() if isinstance(body, Portion) else body or b"")
        except BaseException:
            connection.close()
            raise
        self._connections()[origin] = connection
        return Answer(response, origin.url, self._clock)


def _told(proxy: Proxy) -> dict[str, str]:
    return {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}


def _unreachable(address: str, error: Exception) -> ImageError:
    untrusted = getattr(error, "verify_message", "")
    if untrusted:
        return ImageError(
            f"{address} cannot prove that it is who it says: {untrusted}",
            hint="put its certificate's authority among the host's (update-ca-certificates)",
        )
    reason = str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        reason = "it does not answer in time"
    elif isinstance(error, OSError) and error.strerror:
        reason = error.strerror
    hint = "check the network and the registry's address"
    return UnreachableError(f"{address} cannot be reached: {reason}", hint=hint)
