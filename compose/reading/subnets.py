"""Checks the subnets of networks, and the addresses that services want in them."""

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

from compose import codes
from compose.errors import Problem
from compose.model import Network, Service, ServiceNetwork, Stack
from compose.places import Place

Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network


class _Kind(NamedTuple):
    """One kind of addresses: its version, the key of a service's address, examples, and the longest prefix."""

    version: int
    key: str
    address: str
    subnet: str
    longest: int


_KINDS = (
    _Kind(4, "ipv4_address", "10.5.0.10", "10.5.0.0/24", 30),
    _Kind(6, "ipv6_address", "fd00:5::10", "fd00:5::/64", 126),
)


def check_subnets(stack: Stack) -> Iterator[Problem]:
    """Subnets that are none, gateways and addresses outside of them."""
    for network in stack.networks.values():
        for kind in _KINDS:
            yield from _subnet(stack, network, kind)
    for service in stack.services.values():
        for wish in service.networks:
            for kind in _KINDS:
                yield from _address(stack, service, wish, kind)
            yield from _link_local(stack, service, wish)


def _address(stack: Stack, service: Service, wish: ServiceNetwork, kind: _Kind) -> Iterator[Problem]:
    network = stack.networks.get(wish.network)
    wanted = wish.ipv4_address if kind.version == 4 else wish.ipv6_address
    if not wanted or network is None or (kind.version == 6 and not network.ipv6):
        return
    place = stack.place("services", service.name, "networks", network.key, kind.key)
    said = f"services.{service.name}.networks.{network.key}.{kind.key}"
    address = _parsed(wanted, kind)
    if address is None:
        message = f"{said}: '{wanted}' is no IPv{kind.version} address"
        yield Problem(place, message, f"write one such as {kind.address}", codes.WRONG_ADDRESS)
        return
    text = _subnet_text(network, kind)
    subnet = _network(text, kind)
    if not text:
        hint = f"add `ipam: {{config: [{{subnet: ...}}]}}` below networks.{network.key}"
        message = f"{said} needs a network with a subnet, and '{network.key}' has none"
        yield Problem(place, message, hint, codes.NO_START)
    elif subnet is not None and address not in subnet:
        message = f"{said}: {address} lies outside of {subnet}"
        yield Problem(place, message, f"choose an address in {subnet}", codes.WRONG_ADDRESS)
    elif service.replicas > 1:
        message = f"{said} is for one container, but there are {service.replicas} replicas"
        yield Problem(place, message, "delete it", codes.ONE_FOR_MANY)


def _link_local(stack: Stack, service: Service, wish: ServiceNetwork) -> Iterator[Problem]:
    for index, text in enumerate(wish.link_local_ips):
        address = _parsed(text, _KINDS[":" in text])
        if address is None or not address.is_link_local:
            place = stack.place("services", service.name, "networks", wish.network, "link_local_ips", index)
            said = f"services.{service.name}.networks.{wish.network}.link_local_ips[{index}]"
            hint = "write one of 169.254.0.0/16 or fe80::/10"
            yield Problem(place, f"{said}: '{text}' is no link-local address", hint, codes.NO_START)


def _subnet(stack: Stack, network: Network, kind: _Kind) -> Iterator[Problem]:
    text = _subnet_text(network, kind)
    if not text:
        return
    index = _index(stack, network, kind)
    steps = ("networks", network.key, "ipam", "config", index)
    said = f"networks.{network.key}.ipam.config[{index}]"
    subnet = _network(text, kind)
    if subnet is None:
        yield Problem(stack.place(*steps, "subnet"), *_wrong_subnet(said, text, kind))
        return
    if subnet.prefixlen > kind.longest:
        message = f"{said}.subnet: {subnet} has no room for containers"
        hint = f"use a /{kind.longest - 1} or larger"
        yield Problem(stack.place(*steps, "subnet"), message, hint, codes.WRONG_SUBNET)
    gateway = network.gateway if kind.version == 4 else network.gateway6
    if gateway:
        yield from _inside(stack.place(*steps, "gateway"), f"{said}.gateway", gateway, (subnet, kind))
    if network.ip_range and kind.version == 4:
        part = _network(network.ip_range, kind)
        if part is None or part.network_address not in subnet or part.broadcast_address not in subnet:
            message = f"{said}.ip_range: '{network.ip_range}' is no part of {subnet}"
            yield Problem(stack.place(*steps, "ip_range"), message, f"such as {subnet}", codes.NO_START)
    for address in network.aux_addresses:
        if (":" in address) == (kind.version == 6):
            yield from _inside(stack.place(*steps, "aux_addresses"), f"{said}.aux_addresses", address, (subnet, kind))


def _inside(place: Place, said: str, text: str, where: tuple[Subnet, _Kind]) -> Iterator[Problem]:
    subnet, kind = where
    address = _parsed(text, kind)
    if address is None or address not in subnet:
        message = f"{said}: '{text}' is no address in {subnet}"
        yield Problem(place, message, f"such as {subnet[1]}", codes.WRONG_ADDRESS)


def _index(stack: Stack, network: Network, kind: _Kind) -> int:
    """Which entry of the network's `ipam.config` is of this kind."""
    if stack.document is None:
        return 0
    ipam = stack.document.fields["networks"].fields[network.key].fields["ipam"]
    subnets = [str(entry.fields["subnet"].value) for entry in ipam.fields["config"].entries if "subnet" in entry.fields]
    return next((index for index, text in enumerate(subnets) if (":" in text) == (kind.version == 6)), 0)


def _subnet_text(network: Network, kind: _Kind) -> str:
    return network.subnet if kind.version == 4 else network.subnet6


def _parsed(text: str, kind: _Kind) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address if address.version == kind.version else None


def _network(text: str, kind: _Kind) -> Subnet | None:
    try:
        subnet = ipaddress.ip_network(text)
    except ValueError:
        return None
    return subnet if subnet.version == kind.version else None


def _wrong_subnet(said: str, text: str, kind: _Kind) -> tuple[str, str, str]:
    """A message, a hint and a code."""
    try:
        loose = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return f"{said}.subnet: '{text}' is no subnet", f"write one such as {kind.subnet}", codes.WRONG_SUBNET
    return f"{said}.subnet: '{text}' has bits set behind its prefix", f"write {loose}", codes.NO_START
