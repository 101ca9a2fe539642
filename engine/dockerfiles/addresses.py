"""Fetches what ADD names by an address."""

import hashlib
import os
from email.message import Message
from email.utils import mktime_tz, parsedate_tz
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

import msgspec

from engine.directories import make_private
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.remotes import Address, Known
from engine.images.durable import write_file
from engine.registries.endpoints import Origin
from engine.registries.wire import Answer, UnreachableError, Wire

_MOST_REDIRECTS: Final = 10
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PORTS: Final = {"http": 80, "https": 443}
_ATTEMPTS: Final = 3
_MODE: Final = 0o600


class Addresses:
    """Fetches files, and remembers below `root` what they were."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def ask(self, address: Address) -> Known | None:
        """What is known to be behind an address, if its server says that it still is; None otherwise."""
        known = self._known(address.url)
        if known is None or (address.checksum and known.digest == address.checksum):
            return known
        marks = {"If-None-Match": known.tag} if known.tag else {"If-Modified-Since": known.modified}
        if address.checksum or not (known.tag or known.modified):
            return None
        wire = Wire()
        try:
            answer = _followed(wire, address.url, marks)
            answer.close()
        finally:
            wire.close()
        return known if answer.status == 304 else None

    def fetch(self, address: Address, directory: Path) -> Known:
        """Puts the file into a directory, under its own name; Mistake when it cannot be had, or is another."""
        for attempt in range(1, _ATTEMPTS + 1):
            wire = Wire()
            try:
                found = _fetched(wire, address, directory)
                break
            except UnreachableError as error:
                if attempt == _ATTEMPTS:
                    raise Mistake(error.message, hint=error.hint) from None
            finally:
                wire.close()
        if address.checksum and found.digest != address.checksum:
            raise Mistake(f"{address.url} is not what --checksum says: it is {found.digest}")
        path = self._path(address.url)
        make_private(path.parent)
        write_file(path, msgspec.json.encode(found))
        return found

    def _known(self, url: str) -> Known | None:
        try:
            return msgspec.json.decode(self._path(url).read_bytes(), type=Known)
        except (OSError, msgspec.MsgspecError, UnicodeError):
            return None

    def _path(self, url: str) -> Path:
        return self._root / hashlib.sha256(url.encode()).hexdigest()


def file_name(url: str, disposition: str = "") -> str:
    """What a fetched file is called: as its server says, or as its address ends; Mistake when neither helps."""
    header = Message()
    header["Content-Disposition"] = disposition or "inline"
    name = header.get_filename("") or unquote(urlsplit(url).path).rpartition("/")[2]
    name = name.rpartition("/")[2]
    if name in {"", ".", ".."} or "\0" in name:
        raise Mistake(f"{url} does not say what its file is called", hint="fetch it in a RUN step")
    return name


def _fetched(wire: Wire, address: Address, directory: Path) -> Known:
    answer = _followed(wire, address.url, {})
    if answer.status != 200:
        answer.close()
        raise Mistake(f"{address.url} cannot be fetched: its server answers with HTTP {answer.status}")
    name = file_name(address.url, answer.header("Content-Disposition"))
    digest = hashlib.sha256()
    path = directory / name
    with path.open("wb") as file:
        for piece in answer.pieces():
            digest.update(piece)
            file.write(piece)
    path.chmod(_MODE)
    modified = answer.header("Last-Modified")
    when = _seconds(modified)
    os.utime(path, (when, when))
    return Known(digest=f"sha256:{digest.hexdigest()}", name=name, tag=answer.header("ETag"), modified=modified)


def _followed(wire: Wire, url: str, headers: dict[str, str]) -> Answer:
    at = url
    for _ in range(_MOST_REDIRECTS + 1):
        answer = wire.ask("GET", _origin(at), at, headers)
        if answer.status not in _REDIRECTS:
            return answer
        following = urljoin(at, answer.header("Location"))
        answer.close()
        if at.startswith("https:") and not following.startswith("https:"):
            raise Mistake(f"{url} leads to {urlsplit(following).hostname} without encryption")
        at = following
    raise Mistake(f"{url} leads from one address to the next without end")


def _origin(url: str) -> Origin:
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        raise Mistake(f"{url!r} is no address") from None
    if split.scheme not in _PORTS or not split.hostname:
        raise Mistake(f"{url!r} is no address of the web")
    if split.username or split.password:
        raise Mistake("an address with a password would be kept in the image's history", hint="use RUN with a secret")
    return Origin(split.scheme, split.hostname, port or _PORTS[split.scheme])


def _seconds(modified: str) -> int:
    parsed = parsedate_tz(modified)
    try:
        return max(0, int(mktime_tz(parsed))) if parsed else 0
    except (OverflowError, ValueError):
        return 0
