"""Checks what services want of their links, and which networks cannot be had."""

import re
from collections.abc import Iterator

from compose import codes
from compose.decoding.driver_options import interface_name
from compose.errors import Problem
from compose.model import Network, Service, ServiceNetwork, Stack
from compose.reading.network_modes import container_names
from compose.spelling import did_you_mean

_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}")
_SERVED = ("", "bridge", "default")


def check_networks(stack: Stack) -> Iterator[Problem]:
    """What of networks and links cannot work, or cannot be served yet."""
    used = {wish.network for service in stack.services.values() for wish in service.networks}
    for key in sorted(used & stack.networks.keys()):
        yield from _network(stack, stack.networks[key])
    for service in stack.services.values():
        if _MAC.fullmatch(service.mac_address):
            yield from _mac(stack, service, ("mac_address",), service.mac_address)
        for wish in service.networks:
            yield from _link(stack, service, wish)
        yield from _names(stack, service)


def _network(stack: Stack, network: Network) -> Iterator[Problem]:
    key, driver = network.key, network.driver
    if network.external:
        message = f"networks.{key}: the network '{network.name}' of somebody else is not supported yet"
        hint = (
            "each stack has a router of its own: put both into one stack (`include:`), or publish a port there and "
            "reach it through `extra_hosts: [NAME=host-gateway]`"
        )
        yield Problem(stack.place("networks", key, "external"), message, hint, codes.NOT_YET)
    elif driver == "overlay":
        message = f"networks.{key}: the driver 'overlay' spans several hosts, which is not supported yet"
        hint = "on one host `driver: bridge` does the same"
        yield Problem(stack.place("networks", key, "driver"), message, hint, codes.NOT_YET)
    elif driver not in _SERVED:
        message = f"networks.{key}: the driver '{driver}' is not supported yet"
        hint = did_you_mean(driver, ("bridge", "host", "none")) or "use `driver: bridge`, or delete the line"
        yield Problem(stack.place("networks", key, "driver"), message, hint, codes.NOT_YET)
    if not network.ipv4 and not network.ipv6:
        message = f"networks.{key} has neither IPv4 nor IPv6"
        place = stack.place("networks", key, "enable_ipv4")
        yield Problem(place, message, "add `enable_ipv6: true`, or delete `enable_ipv4`", codes.NO_START)


def _link(stack: Stack, service: Service, wish: ServiceNetwork) -> Iterator[Problem]:
    steps = ("networks", wish.network)
    place = stack.place("services", service.name, *steps)
    said = f"services.{service.name}.networks.{wish.network}"
    if wish.mac_address:
        yield from _mac(stack, service, (*steps, "mac_address"), wish.mac_address)
    if wish.interface_name:
        try:
            interface_name(wish.interface_name)
        except ValueError as error:
            place = stack.place("services", service.name, *steps, "interface_name")
            yield Problem(place, f"{said}.interface_name: {error}", "", codes.NO_START)
        twins = [other for other in service.networks if other.interface_name == wish.interface_name]
        if twins[0] is not wish:
            message = f"{said}.interface_name: {wish.interface_name} is the link to '{twins[0].network}' already"
            yield Problem(place, message, "give each link a name of its own", codes.NO_START)
    network = stack.networks.get(wish.network)
    if wish.ipv6_address and network is not None and not network.ipv6:
        place = stack.place("services", service.name, *steps, "ipv6_address")
        message = f"{said}.ipv6_address needs a network with IPv6, and '{wish.network}' has none"
        yield Problem(place, message, f"add `enable_ipv6: true` below networks.{wish.network}", codes.NO_START)


def _mac(stack: Stack, service: Service, steps: tuple[str, ...], text: str) -> Iterator[Problem]:
    place = stack.place("services", service.name, *steps)
    said = f"services.{service.name}.{'.'.join(steps)}"
    if not _MAC.fullmatch(text):
        message = f"{said}: '{text}' is no MAC address"
        yield Problem(place, message, "write one such as 02:42:ac:11:00:02", codes.NO_START)
    elif int(text[:2], 16) & 1:
        message = f"{said}: '{text}' is the address of a group, not of a link"
        yield Problem(place, message, "make its first byte even, such as 02", codes.NO_START)
    elif service.replicas > 1:
        message = f"{said} is for one container, but there are {service.replicas} replicas"
        yield Problem(place, message, "delete it", codes.NO_START)


def _names(stack: Stack, service: Service) -> Iterator[Problem]:
    known = container_names(stack) if service.external_links else {}
    for index, (_alias, container) in enumerate(service.external_links):
        if container not in known:
            place = stack.place("services", service.name, "external_links", index)
            message = f"services.{service.name}: a link to the container '{container}' of another stack"
            hint = did_you_mean(container, known) or "publish a port there, and use `extra_hosts: [NAME=host-gateway]`"
            yield Problem(place, f"{message} is not supported yet", hint, codes.NOT_YET)
