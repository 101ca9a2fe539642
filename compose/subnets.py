"""Checks the subnets of networks, and the addresses that services want in them."""

import ipaddress
from collections.abc import Iterator

from compose import codes
from compose.errors import Problem
from compose.model import Network, Service, Stack


def check_subnets(stack: Stack) -> Iterator[Problem]:
    """Subnets that are none, gateways and addresses outside of them."""
    for network in stack.networks.values():
        yield from _subnet(stack, network)
    for service in stack.services.values():
        yield from _addresses(stack, service)


def _addresses(stack: Stack, service: Service) -> Iterator[Problem]:
    for attachment in service.networks:
        network = stack.networks.get(attachment.network)
        if not attachment.ipv4_address or network is None:
            continue
        place = stack.place("services", service.name, "networks", network.key, "ipv4_address")
        said = f"services.{service.name}.networks.{network.key}.ipv4_address"
        try:
            address = ipaddress.IPv4Address(attachment.ipv4_address)
        except ValueError:
            message = f"{said}: '{attachment.ipv4_address}' is no IPv4 address"
            yield Problem(place, message, "write one such as 10.5.0.10", codes.WRONG_ADDRESS)
            continue
        subnet = _network_of(network)
        if not network.subnet:
            hint = f"add `ipam: {{config: [{{subnet: ...}}]}}` below networks.{network.key}"
            message = f"{said} needs a network with a subnet, and '{network.key}' has none"
            yield Problem(place, message, hint, codes.NO_START)
        elif subnet is not None and address not in subnet:
            message = f"{said}: {address} lies outside of {subnet}"
            yield Problem(place, message, f"choose an address in {subnet}", codes.WRONG_ADDRESS)
        elif service.replicas > 1:
            message = f"{said} is for one container, but there are {service.replicas} replicas"
            yield Problem(place, message, "delete it", codes.ONE_FOR_MANY)


def _network_of(network: Network) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(network.subnet)
    except ValueError:
        return None


def _subnet(stack: Stack, network: Network) -> Iterator[Problem]:
    if not network.subnet:
        return
    steps = ("networks", network.key, "ipam", "config", 0)
    said = f"networks.{network.key}.ipam.config[0]"
    try:
        subnet = ipaddress.IPv4Network(network.subnet)
    except ValueError:
        yield Problem(stack.place(*steps, "subnet"), *_wrong_subnet(said, network.subnet))
        return
    if subnet.prefixlen > 30:
        message = f"{said}.subnet: {subnet} has no room for containers"
        yield Problem(stack.place(*steps, "subnet"), message, "use a /29 or larger", codes.WRONG_SUBNET)
    if network.gateway:
        try:
            inside = ipaddress.IPv4Address(network.gateway) in subnet
        except ValueError:
            inside = False
        if not inside:
            place = stack.place(*steps, "gateway")
            message = f"{said}.gateway: '{network.gateway}' is no address in {subnet}"
            yield Problem(place, message, f"such as {subnet[1]}", codes.WRONG_ADDRESS)


def _wrong_subnet(said: str, text: str) -> tuple[str, str, str]:
    """A message, a hint and a code."""
    try:
        loose = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return f"{said}.subnet: '{text}' is no subnet", "write one such as 10.5.0.0/24", codes.WRONG_SUBNET
    if loose.version == 6:
        hint = "write an IPv4 subnet such as 10.5.0.0/24"
        return f"{said}.subnet: IPv6 subnets are not supported yet", hint, codes.NOT_YET
    return f"{said}.subnet: '{text}' has bits set behind its prefix", f"write {loose}", codes.WRONG_SUBNET
