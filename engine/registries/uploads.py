"""Blobs that go to a registry: found there, mounted from a neighbouring repository, or sent piece by piece.

What the registry has of a blob stays there while its connection breaks, so that the upload goes on from there (OCI
distribution specification, "Pushing a blob in chunks"). A registry that takes no pieces gets the whole in one request.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol
from urllib.parse import quote, urljoin

import msgspec

from engine.errors import ImageError
from engine.registries.access import Access
from engine.registries.patience import Patience
from engine.registries.wire import Answer, Portion, UnreachableError

_PIECE: Final = 8 << 20
_LONGEST_ANSWER: Final = 1 << 20
_LONGEST_WORDS: Final = 300
_BYTES = {"Content-Type": "application/octet-stream"}
_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,18})")


class Source(Protocol):
    """A blob in a file, perhaps still growing; the digest is only asked for once it is complete."""

    @property
    def file(self) -> int:
        """The open file."""

    @property
    def digest(self) -> str:
        """The digest of the whole."""

    def wait(self, least: int) -> tuple[int, bool]:
        """Waits for so many bytes, or the end; returns how many there are, and whether these are all."""


def has_blob(access: Access, digest: str, size: int) -> bool:
    """Whether the repository has a blob."""
    answer = access.ask("HEAD", f"{access.repository}/blobs/{digest}")
    answer.close()
    length = answer.header("Content-Length")
    return answer.status == 200 and (not length or length == str(size))


def mount(access: Access, digest: str, neighbour: str) -> bool:
    """Has the registry take a blob over from another repository of its own; says whether it did."""
    query = f"mount={quote(digest)}&from={quote(neighbour, safe='')}"
    answer = access.ask("POST", f"{access.repository}/blobs/uploads/?{query}")
    answer.body(_LONGEST_ANSWER)
    if answer.status == 202:  # it wants an upload instead, which may come at another time
        with suppress(ImageError):  # or forgets it by itself
            access.ask("DELETE", _address(access, answer)).body(_LONGEST_ANSWER)
    return answer.status == 201


def upload(access: Access, source: Source, *, patience: Patience, on_bytes: Callable[[int], None]) -> None:
    """Sends a blob; `on_bytes` is told how many bytes the registry has.

    ImageError when the registry refuses it, UnreachableError when the connection breaks off too often.
    """
    work = _Upload(access, source, on_bytes)
    failures = 0
    while True:
        before = work.there
        try:
            work.go_on()
        except UnreachableError as error:
            failures = 1 if work.there > before else failures + 1
            patience.wait(failures, error)
        else:
            return


class _Upload:
    """A blob on its way; `there` counts the bytes that the registry has."""

    def __init__(self, access: Access, source: Source, on_bytes: Callable[[int], None]) -> None:
        self._access = access
        self._source = source
        self._on_bytes = on_bytes
        self._place = ""
        self._sure = True
        self._in_pieces = True
        self.there = 0

    def go_on(self) -> None:
        """Sends what is missing, beginning anew where the registry knows nothing of an earlier attempt."""
        if not self._sure and self._is_done():
            return
        self._sure = False
        if not self._in_pieces:
            self._place = ""
        if not self._place:
            self._begin()
        while self._in_pieces:
            size, complete = self._source.wait(self.there + _PIECE + 1)
            if complete and size - self.there <= _PIECE:
                break
            self._send_piece(_PIECE)
        self._finish()
        self._sure = True

    def _begin(self) -> None:
        if not self._in_pieces:
            self._source.wait(1 << 62)
        answer = self._access.ask("POST", f"{self._access.repository}/blobs/uploads/")
        if answer.status != 202:
            raise refused(self._access, "takes no upload", answer)
        answer.body(_LONGEST_ANSWER)
        self._place, self.there = _address(self._access, answer), 0

    def _send_piece(self, size: int) -> None:
        first, last = self.there, self.there + size - 1
        headers = {**_BYTES, "Content-Range": f"{first}-{last}"}
        answer = self._access.ask("PATCH", self._place, headers, Portion(self._source.file, first, size))
        answer.body(_LONGEST_ANSWER)
        if answer.status not in {202, 204}:  # it wants no pieces, or lost count
            self._in_pieces = False
            self._begin()
            return
        self._place = _address(self._access, answer)
        taken = _taken(answer)
        self.there = last + 1 if taken is None else min(taken, last + 1)
        if self.there <= first:
            raise UnreachableError(f"the registry {self._access.registry} does not take what it is sent")
        self._on_bytes(self.there)

    def _finish(self) -> None:
        size, _ = self._source.wait(1 << 62)
        digest = self._source.digest
        headers = dict(_BYTES)
        if self.there and size > self.there:
            headers["Content-Range"] = f"{self.there}-{size - 1}"
        target = f"{self._place}{'&' if '?' in self._place else '?'}digest={quote(digest)}"
        answer = self._access.ask("PUT", target, headers, Portion(self._source.file, self.there, size - self.there))
        if answer.status not in {201, 204}:
            if self._in_pieces and self.there:
                answer.body(_LONGEST_ANSWER)
                self._in_pieces = False
                raise UnreachableError(f"the registry {self._access.registry} does not take a blob in pieces")
            raise refused(self._access, f"does not take {digest}", answer)
        answer.body(_LONGEST_ANSWER)
        require_digest(self._access, answer, digest)
        self.there = size
        self._on_bytes(size)

    def _is_done(self) -> bool:
        """Finds out what the registry has after a failure; says whether it has everything."""
        size, complete = self._source.wait(0)
        if complete and has_blob(self._access, self._source.digest, size):
            return True
        if self._place and self._in_pieces:
            answer = self._access.ask("GET", self._place)
            answer.body(_LONGEST_ANSWER)
            taken = _taken(answer)
            if answer.status == 204 and taken is not None and taken <= size:
                self._place, self.there = _address(self._access, answer, self._place), taken
                return False
        self._place, self.there = "", 0
        return False


def require_digest(access: Access, answer: Answer, digest: str) -> None:
    """ImageError when the registry says that it got something else than it was sent."""
    said = answer.header("Docker-Content-Digest")
    if said and said != digest:
        raise ImageError(
            f"the registry {access.registry} says that it got {said[:100]!r} where {digest} was sent",
            hint="push again; if it says so every time, the registry or something in between is broken",
        )


def refused(access: Access, what: str, answer: Answer) -> ImageError:
    """A registry's refusal, with what it says about it; reads the answer."""
    words = _words(answer.body(_LONGEST_ANSWER))
    return ImageError(f"the registry {access.registry} {what} (HTTP {answer.status}{words})")


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Errors(msgspec.Struct):
    errors: tuple[_Error, ...] = ()


def _words(body: bytes) -> str:
    try:
        found = msgspec.json.decode(body, type=_Errors)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    text = "; ".join(error.message or error.code for error in found.errors)[:_LONGEST_WORDS]
    return "".join((": ", *(letter if letter.isprintable() else "?" for letter in text))) if text else ""


def _taken(answer: Answer) -> int | None:
    """How many bytes the registry says that it has; None when it does not say. It calls nothing "0-0"."""
    found = _RANGE.fullmatch(answer.header("Range"))
    if found is None:
        return None
    last = int(found[1])
    return last + 1 if last else 0


def _address(access: Access, answer: Answer, default: str = "") -> str:
    """Where an upload goes on."""
    location = answer.header("Location")
    if not location:
        if default:
            return default
        raise ImageError(f"the registry {access.registry} does not say where an upload goes on")
    return urljoin(f"{access.origin.url}/v2/", location)
