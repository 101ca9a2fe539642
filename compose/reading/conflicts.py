"""Finds what two parts of a stack cannot both have: mount targets, names, host ports, addresses, subnets."""

from collections.abc import Iterator
from typing import NamedTuple

from compose import codes
from compose.decoding.values import flag
from compose.errors import Problem
from compose.grammar.ports import port_range
from compose.model import Path, Service, Stack


def conflicts(stack: Stack) -> Iterator[Problem]:
    """Everything that two want and one can have."""
    for service in stack.services.values():
        yield from _mount_targets(stack, service)
    yield from _container_names(stack)
    yield from _host_ports(stack)
    yield from _external_volumes(stack)
    if any(network.subnet or network.subnet6 for network in stack.networks.values()):
        yield from _subnets(stack)
        yield from _addresses(stack)


def _mount_targets(stack: Stack, service: Service) -> Iterator[Problem]:
    if len(service.mounts) + len(service.configs) + len(service.secrets) < 2:
        return
    first: dict[str, Path] = {}
    for target, steps in _targets(stack, service):
        earlier = first.setdefault(target, steps)
        if earlier != steps:
            place, other = stack.place(*steps), stack.place(*earlier)
            message = f"services.{service.name} mounts something on {target} twice, first in line {other.line}"
            yield Problem(place, message, "give each mount a target of its own", codes.TARGET_TWICE, (other,))


def _targets(stack: Stack, service: Service) -> Iterator[tuple[str, Path]]:
    """What is mounted where, and the path of what says so in the file."""
    tmpfs_from = len(service.mounts) - _tmpfs_count(stack, service)
    for index, mount in enumerate(service.mounts):
        kind, position = ("volumes", index) if index < tmpfs_from else ("tmpfs", index - tmpfs_from)
        yield mount.target, ("services", service.name, kind, position)
    for kind, grants in (("configs", service.configs), ("secrets", service.secrets)):
        for index, grant in enumerate(grants):
            yield grant.target, ("services", service.name, kind, index)


def _tmpfs_count(stack: Stack, service: Service) -> int:
    if stack.document is None:
        return 0
    node = stack.document.fields["services"].fields[service.name].fields.get("tmpfs")
    return len(node.entries) if node else 0


def _container_names(stack: Stack) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for service in stack.services.values():
        other = first.setdefault(service.container_name, service.name) if service.container_name else service.name
        if other != service.name:
            place = stack.place("services", service.name, "container_name")
            message = f"services.{service.name} has the container_name '{service.container_name}' of services.{other}"
            there = stack.place("services", other, "container_name")
            yield Problem(place, message, "give each container a name of its own", codes.NAME_TWICE, (there,))


class _HostPort(NamedTuple):
    """A host port that some service publishes."""

    service: str
    position: int
    host_ip: str


def _external_volumes(stack: Stack) -> Iterator[Problem]:
    """Volumes that somebody else made, and that are described here nevertheless."""
    volumes = stack.document.fields.get("volumes") if stack.document is not None else None
    for key, volume in volumes.fields.items() if volumes is not None else ():
        if flag(volume.fields, "external"):
            for name in volume.fields:
                if name not in ("name", "external") and not name.startswith("x-"):
                    place = stack.place("volumes", key, name)
                    message = f"volumes.{key} is external, so that its '{name}' is not for this file to say"
                    yield Problem(place, message, f"delete '{name}', or `external`", codes.CONTRADICTION)


def _host_ports(stack: Stack) -> Iterator[Problem]:
    taken: dict[tuple[int, str], list[_HostPort]] = {}
    for service in stack.services.values():
        for index, port in enumerate(service.ports):
            if not port.published or "-" in port.published:
                continue
            mine = _HostPort(service.name, index, port.host_ip)
            others = taken.setdefault((int(port.published), port.protocol), [])
            clash = next((other for other in others if _overlap(mine.host_ip, other.host_ip)), None)
            others.append(mine)
            if clash is not None:
                yield _twice(stack, mine, clash, f"the host port {port.published}/{port.protocol}")
    for service in stack.services.values():
        for index, port in enumerate(service.ports):
            if "-" not in port.published:
                continue
            mine = _HostPort(service.name, index, port.host_ip)
            low, high = port_range(port.published)
            holders = [
                next(
                    (
                        other
                        for other in taken.get((number, port.protocol), ())
                        if _overlap(mine.host_ip, other.host_ip)
                    ),
                    None,
                )
                for number in range(low, high + 1)
            ]
            if all(holders) and holders[0] is not None:
                yield _twice(stack, mine, holders[0], f"one of the host ports {port.published}/{port.protocol}")


def _twice(stack: Stack, mine: _HostPort, other: _HostPort, what: str) -> Problem:
    place = stack.place("services", mine.service, "ports", mine.position)
    where = stack.place("services", other.service, "ports", other.position)
    whose = "it" if other.service == mine.service else f"services.{other.service}"
    message = f"services.{mine.service} publishes {what}, which {whose} publishes in line {where.line}"
    return Problem(place, message, "give one of them another host port", codes.PORT_TWICE, (where,))


def _overlap(one: str, two: str) -> bool:
    everywhere = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
    return one == two or one in everywhere or two in everywhere


def _subnets(stack: Stack) -> Iterator[Problem]:
    """Subnets that share addresses: no packet would know which way to go."""
    import ipaddress  # noqa: PLC0415 - few stacks choose their subnets

    known: list[tuple[str, ipaddress.IPv4Network | ipaddress.IPv6Network]] = []
    for network in stack.networks.values():
        for text in filter(None, (network.subnet, network.subnet6)):
            try:
                mine = ipaddress.ip_network(text)
            except ValueError:
                continue  # told elsewhere
            other = next((each for each in known if each[1].version == mine.version and each[1].overlaps(mine)), None)
            known.append((network.key, mine))
            if other is not None:
                place = stack.place("networks", network.key, "ipam", "config", 0, "subnet")
                there = stack.place("networks", other[0], "ipam", "config", 0, "subnet")
                message = f"networks.{network.key}: the subnet {mine} overlaps {other[1]} of networks.{other[0]}"
                yield Problem(place, message, "give each network addresses of its own", codes.OVERLAP, (there,))


def _addresses(stack: Stack) -> Iterator[Problem]:
    """Addresses that two services want, or a service and the gateway."""
    first: dict[tuple[str, str], Path] = {}
    for key, network in stack.networks.items():
        config: Path = ("networks", key, "ipam", "config", 0)
        for gateway in filter(None, (network.gateway, network.gateway6)):
            first[key, gateway] = (*config, "gateway")
    for service in stack.services.values():
        for attachment in service.networks:
            for word in ("ipv4_address", "ipv6_address"):
                address = getattr(attachment, word)
                mine: Path = ("services", service.name, "networks", attachment.network, word)
                earlier = first.setdefault((attachment.network, address), mine) if address else mine
                if earlier != mine:
                    whose = f"of services.{earlier[1]}" if earlier[0] == "services" else "of the network's gateway"
                    place, there = stack.place(*mine), stack.place(*earlier)
                    message = f"services.{service.name}.networks.{attachment.network}: {address} is the address {whose}"
                    yield Problem(place, message, "choose another one", codes.WRONG_ADDRESS, (there,))
