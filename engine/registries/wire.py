"""HTTP requests, one at a time a thread, over connections that are kept. The one place that imports http.client.

Nothing is followed, repeated or authorised here: each of these is a decision of its callers.
"""

import http.client
import os
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from engine.errors import ImageError
from engine.registries.endpoints import Origin
from engine.version import VERSION

TIMEOUT_SECONDS: Final = 30.0
_CHUNK: Final = 1 << 18
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
            piece = os.pread(self.file, min(_CHUNK, end - at), at)
            if not piece:
                raise ImageError("a file that is being sent has become shorter")
            yield piece
            at += len(piece)


Body = bytes | Portion | None


class Answer:
    """A response whose body is still to be read; closing it early costs the connection."""

    def __init__(self, response: http.client.HTTPResponse, address: str) -> None:
        self._response = response
        self._address = address
        self.status = response.status

    def header(self, name: str) -> str:
        """A header's value, empty where there is none."""
        return self._response.headers.get(name, "")

    def headers(self, name: str) -> tuple[str, ...]:
        """All values of a header that may come more than once."""
        return tuple(self._response.headers.get_all(name) or ())

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
        """The body as it comes. UnreachableError when it breaks off."""
        while True:
            try:
                piece = self._response.read1(_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise _unreachable(self._address, error) from error
            if not piece:
                break
            yield piece
        if self._response.length:
            raise UnreachableError(f"{self._address} broke off in the middle of an answer")

    def close(self) -> None:
        """Ends the answer, read or not."""
        self._response.close()


class Wire:
    """Connections to registries, kept for the next request of the same thread."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds
        self._own = threading.local()
        self._all: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def ask(self, method: str, origin: Origin, url: str, headers: Mapping[str, str], body: Body = None) -> Answer:
        """Sends a request and returns its answer, whatever its status; UnreachableError when there is none."""
        split = urlsplit(url)
        target = (split.path or "/") + (f"?{split.query}" if split.query else "")
        sent = {"User-Agent": f"windlass/{VERSION}", "Accept-Encoding": "identity", **headers}
        connections = self._connections()
        kept = connections.pop(origin, None)
        if kept is not None and _is_finished(kept):
            try:
                return self._sent(kept, origin, method, target, sent, body)
            except (OSError, http.client.HTTPException) as error:
                kept.close()  # it may have been closed by the other side since the last request
                if method in _NEVER_TWICE:
                    raise _unreachable(origin.url, error) from error
        elif kept is not None:
            kept.close()
        fresh = self._connected(origin)
        try:
            return self._sent(fresh, origin, method, target, sent, body)
        except (OSError, http.client.HTTPException) as error:
            fresh.close()
            raise _unreachable(origin.url, error) from error

    def close(self) -> None:
        """Ends all connections, of whichever thread."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()

    def _connections(self) -> dict[Origin, http.client.HTTPConnection]:
        connections: dict[Origin, http.client.HTTPConnection] | None = getattr(self._own, "connections", None)
        if connections is None:
            connections = self._own.connections = {}
        return connections

    def _connected(self, origin: Origin) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if origin.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                origin.host, origin.port, timeout=self._timeout_seconds, context=context
            )
        else:
            connection = http.client.HTTPConnection(origin.host, origin.port, timeout=self._timeout_seconds)
        with self._lock:
            self._all.append(connection)
        return connection

    def _sent(
        self,
        connection: http.client.HTTPConnection,
        origin: Origin,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Body,
    ) -> Answer:
        sent = dict(headers)
        if isinstance(body, Portion):
            sent["Content-Length"] = str(body.size)
        connection.request(method, target, body=body.pieces() if isinstance(body, Portion) else body, headers=sent)
        response = connection.getresponse()
        self._connections()[origin] = connection
        return Answer(response, origin.url)


def _is_finished(connection: http.client.HTTPConnection) -> bool:
    """Whether the last answer has been read, so that another request may follow."""
    response = connection._HTTPConnection__response  # type: ignore[attr-defined]  # noqa: SLF001 -- it tells nobody else
    return response is None or response.isclosed()


def _unreachable(address: str, error: Exception) -> ImageError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ImageError(
            f"{address} cannot prove that it is who it says: {error.verify_message}",
            hint="put its certificate's authority among the host's (update-ca-certificates)",
        )
    reason = str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        reason = "it does not answer in time"
    elif isinstance(error, OSError) and error.strerror:
        reason = error.strerror
    hint = "check the network and the registry's address"
    return UnreachableError(f"{address} cannot be reached: {reason}", hint=hint)
