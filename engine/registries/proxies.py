"""Which requests go through a proxy: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as Docker reads them."""

import base64
import ipaddress
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from engine.errors import ImageError
from engine.registries.endpoints import Origin, is_loopback

_DEFAULT_PORT: Final = 80


class Proxy(NamedTuple):
    """A proxy, and what it wants to be told before it works for us."""

    host: str
    port: int
    authorization: str = ""

    def __repr__(self) -> str:
        """Without what it is told: that belongs into no message."""
        return f"{self.host}:{self.port}"


class Proxies(NamedTuple):
    """The proxies for plain and for encrypted requests, if any; `spared` are the words of NO_PROXY."""

    http: Proxy | None = None
    https: Proxy | None = None
    spared: tuple[str, ...] = ()

    def towards(self, origin: Origin) -> Proxy | None:
        """The proxy for requests to somebody; None for this machine itself, and for whom NO_PROXY names."""
        proxy = self.https if origin.scheme == "https" else self.http
        if proxy is None or is_loopback(origin.host) or any(_names(word, origin) for word in self.spared):
            return None
        return proxy


def read_proxies(environment: Mapping[str, str]) -> Proxies:
    """The proxies that the environment names; ImageError for an address that cannot be one."""

    def value(name: str) -> str:
        return environment.get(name.upper()) or environment.get(name.lower()) or ""

    words = tuple(word.strip().lower() for word in value("no_proxy").split(",") if word.strip())
    return Proxies(_proxy("HTTP_PROXY", value("http_proxy")), _proxy("HTTPS_PROXY", value("https_proxy")), words)


def _proxy(name: str, text: str) -> Proxy | None:
    if not text:
        return None
    try:
        split = urlsplit(text if "://" in text else f"http://{text}")
        port = split.port or _DEFAULT_PORT
    except ValueError:
        split, port = SplitResult("", "", "", "", ""), 0
    if split.scheme != "http" or not split.hostname:
        raise ImageError(f"{name} names no proxy that can be used", hint="it looks like http://host:port")
    if not split.username:
        return Proxy(split.hostname, port)
    user = f"{unquote(split.username)}:{unquote(split.password or '')}"
    return Proxy(split.hostname, port, "Basic " + base64.b64encode(user.encode()).decode())


def _names(word: str, origin: Origin) -> bool:
    """Whether a word of NO_PROXY means a host: itself, its domain, its address or network; all of them with `*`."""
    if word == "*":
        return True
    host, colon, port = word.rpartition(":")
    if colon and port.isdigit() and ":" not in host.strip("[]"):
        if int(port) != origin.port:
            return False
        word = host
    word = word.strip("[]")
    try:
        address = ipaddress.ip_address(origin.host)
    except ValueError:
        domain = word.removeprefix("*")
        if domain.startswith("."):
            return origin.host.endswith(domain)
        return origin.host == domain or origin.host.endswith(f".{domain}")
    try:
        return address in ipaddress.ip_network(word, strict=False)
    except ValueError:
        return False
