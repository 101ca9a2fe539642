"""Where a registry is reached, and which addresses may be spoken to without encryption."""

import ipaddress
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from engine.errors import ImageError
from engine.images.references import DEFAULT_REGISTRY

_DEFAULT_HOST: Final = "registry-1.docker.io"
_TOKEN_HOSTS: Final = {DEFAULT_REGISTRY: ("auth.docker.io",)}
_PORTS: Final = {"http": 80, "https": 443}


class Settings(NamedTuple):
    """What this host says about registries.

    `insecure` are addresses (host or host:port) that may be spoken to in plain HTTP; loopback always may.
    `token_hosts` may, besides itself, ask for the credentials of the registry that they are filed under. `mirrors` of a
    registry (host, host:port or either with a path) are asked before it when something is pulled.
    """

    insecure: tuple[str, ...] = ()
    token_hosts: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    mirrors: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Origin(NamedTuple):
    """Whom one speaks to: what a credential belongs to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Its host, with the port unless that is its scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")

    @property
    def url(self) -> str:
        """The beginning of its addresses."""
        return f"{self.scheme}://{self.authority}"


def origin_of_registry(registry: str, settings: Settings) -> Origin:
    """Where the registry of a reference is reached."""
    address = _DEFAULT_HOST if registry == DEFAULT_REGISTRY else registry
    split = urlsplit(f"//{address}")
    scheme = "http" if _may_be_plain(split, settings) else "https"
    return Origin(scheme, split.hostname or "", _port(split) or _PORTS[scheme])


def origin_of(url: str, settings: Settings) -> Origin:
    """Whom an address that a registry gave leads to; ImageError unless it is encrypted, or may go without."""
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        raise ImageError(f"the registry gave an address that cannot be read: {url!r}") from None
    if split.scheme not in _PORTS or not split.hostname:
        raise ImageError(f"the registry gave an address that is none of the web: {url!r}")
    if split.scheme == "http" and not _may_be_plain(split, settings):
        raise ImageError(
            f"the registry leads to {split.hostname} without encryption", hint="only loopback may be without"
        )
    return Origin(split.scheme, split.hostname, port or _PORTS[split.scheme])


def may_ask_for_credentials(registry: str, own: Origin, asking: Origin, settings: Settings) -> bool:
    """Whether a token service may be told a registry's credentials: itself, its own domain's host, or a known one.

    Who has a domain decides where its subdomains lead: `git.example` may ask for what `registry.git.example` is told.
    """
    if asking == own:
        return True
    known = (*_TOKEN_HOSTS.get(registry, ()), *settings.token_hosts.get(registry, ()))
    trusted = asking.host in known or _is_own_domain(own.host, asking.host)
    return asking.scheme == "https" and asking.port == _PORTS["https"] and trusted


def _is_own_domain(host: str, domain: str) -> bool:
    return "." in domain and not domain[-1].isdigit() and host.endswith(f".{domain}")


def _may_be_plain(split: SplitResult, settings: Settings) -> bool:
    host = split.hostname or ""
    return is_loopback(host) or host in settings.insecure or split.netloc in settings.insecure


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _port(split: SplitResult) -> int | None:
    try:
        return split.port
    except ValueError:
        raise ImageError(f"{split.netloc!r} is no registry's address: its port is no port") from None
