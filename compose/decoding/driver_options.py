"""Knows the driver options of networks and of services' links: what Docker's bridge driver understands."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_DRIVER = "com.docker.network.driver"
_BRIDGE = "com.docker.network.bridge"
_ENDPOINT = "com.docker.network.endpoint"


def network_settings(options: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a NetworkSpec that a network's options stand for; unknown ones are left out."""
    return {_NETWORK[key][0]: _NETWORK[key][1](value) for key, value in options.items() if key in _NETWORK}


def link_settings(options: Mapping[str, str]) -> dict[str, Any]:
    """The fields of an Endpoint that the options of a service's link stand for."""
    return {_LINK[key][0]: _LINK[key][1](value) for key, value in options.items() if key in _LINK}


def odd_network_options(options: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The options of a network that have no effect, or a wrong value: what is wrong (empty: unknown), by key."""
    return _odd(options, _NETWORK)


def odd_link_options(options: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Likewise for those of a service's link."""
    return _odd(options, _LINK)


def interface_name(text: str) -> str:
    """A link's name; ValueError when the kernel would not take it."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", text) or text in (".", "..", "lo"):
        raise ValueError(f"'{text}' cannot name a link: use 1 to 15 letters, digits, '_', '-' and '.'")
    return text


def _odd(
    options: Mapping[str, str], known: Mapping[str, tuple[str, Callable[[str], object]]]
) -> Iterator[tuple[str, str]]:
    for key, value in options.items():
        if key not in known:
            yield key, ""
            continue
        try:
            known[key][1](value)
        except ValueError as error:
            yield key, str(error)


def _flag(text: str) -> bool:
    if text.lower() in ("true", "1", "t"):
        return True
    if text.lower() in ("false", "0", "f"):
        return False
    raise ValueError(f"must be true or false, not '{text}'")


def _not(text: str) -> bool:
    return not _flag(text)


def _mtu(text: str) -> int:
    if not text.isdecimal() or not (text == "0" or 68 <= int(text) <= 65535):
        raise ValueError(f"must be a number of bytes from 68 to 65535, not '{text}'")
    return int(text)


def _address(text: str) -> str:
    import ipaddress  # noqa: PLC0415 - few networks have this option

    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise ValueError(f"must be an address of the host, not '{text}'") from None


def _sysctls(text: str) -> tuple[str, ...]:
    settings = tuple(part.strip() for part in text.split(",") if part.strip())
    for setting in settings:
        if not re.fullmatch(r"net\.(ipv4|ipv6|mpls)\.(conf|neigh)\.IFNAME\.[a-z0-9_]+=-?[0-9]+", setting):
            raise ValueError(f"'{setting}' is no setting of a link: write net.ipv4.conf.IFNAME.log_martians=1")
    return settings


_NETWORK: dict[str, tuple[str, Callable[[str], object]]] = {
    f"{_DRIVER}.mtu": ("mtu", _mtu),
    f"{_BRIDGE}.name": ("bridge", interface_name),
    f"{_BRIDGE}.enable_icc": ("isolated", _not),
    f"{_BRIDGE}.enable_ip_masquerade": ("masquerade", _flag),
    f"{_BRIDGE}.host_binding_ipv4": ("binding", _address),
}
_LINK: dict[str, tuple[str, Callable[[str], object]]] = {
    f"{_ENDPOINT}.sysctls": ("sysctls", _sysctls),
    f"{_ENDPOINT}.ifname": ("interface", interface_name),
}
