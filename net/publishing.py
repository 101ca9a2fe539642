"""Holds the host ports that a stack publishes.

A held port is a bound socket, so that another program that wants it is told so instead of losing its clients to a rule.
The record of what is published lies on disk: sockets end with their process, rules do not.
"""

import socket
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import msgspec

from net.addresses import parse_address, parse_address6
from net.errors import AddressError, PortError
from net.holders import holder_of
from net.hostports import hold_port, kind_of
from net.portmaps import Published
from net.spec import PublishedPort

EVERYWHERE6 = "::"
_EVERYWHERE = frozenset({"", "0.0.0.0", EVERYWHERE6})  # noqa: S104 - names, not sockets


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """What one container publishes: its ports as they are, leading to its addresses (empty: it has none).

    Containers of one `group` may share ports; of an empty one nobody does.
    """

    container_id: str
    address: str
    ports: tuple[PublishedPort, ...]
    address6: str = ""
    name: str = ""
    group: str = ""

    def rules(self) -> tuple[Published, ...]:
        """Say the same in the firewall's terms."""
        return tuple(
            Published(port.protocol, "" if ip in _EVERYWHERE else ip, port.host_port, address, port.container_port)
            for port in self.ports
            for ip, address in self._ways(port)
        )

    def _ways(self, port: PublishedPort) -> list[tuple[str, str]]:
        """The host's addresses that a port is published on, each with the container's that it leads to."""
        if ":" in port.host_ip:
            return [(port.host_ip, self.address6)]
        ways = [(port.host_ip, self.address)] if self.address else []
        return [*ways, (EVERYWHERE6, self.address6)] if self.address6 and not port.host_ip else ways

    def datagram_ports(self) -> tuple[int, ...]:
        """List the host's UDP ports among them."""
        return tuple(port.host_port for port in self.ports if port.protocol == "udp")

    def satisfies(self, address: str, address6: str, wanted: Sequence[PublishedPort]) -> bool:
        """Tell whether this is what is wanted, whatever host port stands where none was asked for."""
        if (self.address, self.address6) != (address, address6) or len(self.ports) != len(wanted):
            return False
        return all(
            made == _made(wish, address6, made.host_port) and _is_one_of(made.host_port, wish)
            for made, wish in zip(self.ports, wanted, strict=True)
        )


class Publications:
    """What a stack publishes. `directory` holds one record a container; `stacks` is where other stacks' are found."""

    def __init__(self, directory: Path, stacks: Path) -> None:
        self._directory = directory
        self._stacks = stacks
        self._held: dict[str, list[socket.socket]] = {}
        self._publications: dict[str, Publication] = {}
        for path in directory.iterdir() if directory.is_dir() else ():
            publication = None if path.suffix else _read(path)
            if publication is None:
                path.unlink()  # what a killed writer left behind
            else:
                self._publications[publication.container_id] = publication
        self._remove_if_empty()

    def rules(self) -> list[Published]:
        """List every published port."""
        return [rule for publication in self._publications.values() for rule in publication.rules()]

    def beside(self, rules: Sequence[Published]) -> list[Published]:
        """List all that the host ports of these rules lead to."""
        ports = {one.port for one in rules}
        return [one for one in self.rules() if one.port in ports]

    @property
    def containers(self) -> frozenset[str]:
        """The containers that publish ports."""
        return frozenset(self._publications)

    def find(self, container_id: str) -> Publication | None:
        """Find what a container publishes."""
        return self._publications.get(container_id)

    def add(
        self,
        container_id: str,
        name: str,
        addresses: tuple[str, str],
        ports: tuple[PublishedPort, ...],
        *,
        group: str = "",
    ) -> Publication:
        """Hold host ports for a container, choosing where none is given; all of them, or PortError and none.

        They lead to the container's `addresses` of IPv4 and IPv6, of which one may be empty. Ports that others of its
        group hold are shared with them.
        """
        address, address6 = addresses
        held: list[socket.socket] = []
        chosen: list[PublishedPort] = []
        try:
            for port in ports:
                _require_address(port, address, address6)
                first = _made(port, address6, port.host_port)
                holding = self._hold_one_of(first, port.last_port, group, wide=bool(address6))
                held += holding
                chosen.append(_made(port, address6, _port_of(holding[0])))
            publication = Publication(
                container_id=container_id,
                address=address,
                ports=tuple(chosen),
                address6=address6,
                name=name,
                group=group,
            )
            self._directory.mkdir(mode=0o700, exist_ok=True)
            new = self._directory / f"{container_id}.new"
            new.write_bytes(msgspec.json.encode(publication))
            new.rename(self._directory / container_id)
        except BaseException:
            _close(held)
            raise
        self._held[container_id] = held
        self._publications[container_id] = publication
        return publication

    def drop(self, container_id: str) -> None:
        """Let a container's ports go; one that publishes nothing is fine."""
        _close(self._held.pop(container_id, []))
        if self._publications.pop(container_id, None) is not None:
            (self._directory / container_id).unlink(missing_ok=True)
            self._remove_if_empty()

    def hold_again(self) -> tuple[PortError, ...]:
        """Hold every recorded port that is not held; return the problems with those that somebody took meanwhile."""
        problems = []
        for container_id, publication in self._publications.items():
            if container_id in self._held:
                continue
            held = self._held.setdefault(container_id, [])
            for port in publication.ports:
                try:
                    held += self._hold(port, publication.group, wide=bool(publication.address6))
                except PortError as problem:
                    problems.append(problem)
        return tuple(problems)

    def close(self) -> None:
        """Let go of the sockets. The records stay."""
        for held in self._held.values():
            _close(held)
        self._held.clear()

    def _remove_if_empty(self) -> None:
        if not self._publications and self._directory.is_dir():
            self._directory.rmdir()

    def _hold_one_of(self, port: PublishedPort, last: int, group: str, *, wide: bool) -> list[socket.socket]:
        """Bind the first port that is free of those up to the last one."""
        for number in range(port.host_port, last):
            try:
                return self._hold(msgspec.structs.replace(port, host_port=number), group, wide=wide)
            except PortError:
                continue
        return self._hold(msgspec.structs.replace(port, host_port=max(port.host_port, last)), group, wide=wide)

    def _hold(self, port: PublishedPort, group: str, *, wide: bool) -> list[socket.socket]:
        """Bind what a port needs: one socket, or for every address of both kinds two."""
        held = [self._bind(port, port.host_ip, port.host_port, group)]
        if wide and not port.host_ip:
            try:
                held.append(self._bind(port, EVERYWHERE6, _port_of(held[0]), group))
            except BaseException:
                _close(held)
                raise
        return held

    def _bind(self, port: PublishedPort, address: str, number: int, group: str) -> socket.socket:
        shared = self._find_held(group, (kind_of(port), address or "0.0.0.0", number))  # noqa: S104 - compared, not bound
        if shared is not None:
            return shared.dup()
        return hold_port(port, address, number, lambda: _holder(port, self._stacks, self._directory))

    def _find_held(self, group: str, wanted: tuple[int, str, int]) -> socket.socket | None:
        """Find the socket that another container of the group holds: of this type, address and port."""
        if not group:
            return None
        for container_id, publication in self._publications.items():
            for holding in self._held.get(container_id, ()) if publication.group == group else ():
                if (holding.type, *holding.getsockname()[:2]) == wanted:
                    return holding
        return None


def published_in(networks: Path) -> tuple[Path, Path]:
    """Where a stack's records of what is published lie, and where other stacks are found."""
    return networks / ".published", networks.parents[1]


def why_taken(port: PublishedPort, networks: Path, yielding: Collection[str]) -> PortError | None:
    """Say why a stack could not publish a port now; None if it could, or if containers `yielding` have it until then.

    `networks` is where the state of the stack's networks lies.
    """
    directory, stacks = published_in(networks)
    error: PortError | None = None
    own = [found for path in (directory.iterdir() if directory.is_dir() else ()) if (found := _read(path))]
    for number in range(port.host_port, max(port.host_port, port.last_port) + 1):
        wish = msgspec.structs.replace(port, host_port=number, last_port=0)
        holders = {each.container_id for each in own if any(_clash(wish, theirs) for theirs in each.ports)}
        if holders and holders.issubset(yielding):
            return None
        try:
            hold_port(wish, port.host_ip, number, partial(_holder, wish, stacks, directory)).close()
        except PortError as problem:
            error = error or problem
        else:
            return None
    return error


def _holder(port: PublishedPort, stacks: Path, directory: Path) -> str:
    """Name who has a port: a container of a stack (of ours if its record is in `directory`), or another program."""
    for path in stacks.glob("*/networks/.published/*"):
        other = _read(path)
        if other is not None and any(_clash(port, theirs) for theirs in other.ports):
            whose = "this stack" if path.parent == directory else f"the stack {path.parents[2].name}"
            return f"the container {other.name or other.container_id[:12]} of {whose}"
    return holder_of(port.protocol, port.host_port)


def _read(path: Path) -> Publication | None:
    """A container's publication; None for what cannot be read, or tells of another container than its name."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Publication)
    except (OSError, msgspec.DecodeError, UnicodeError):
        return None
    return found if found.container_id == path.name else None


def _made(wish: PublishedPort, address6: str, number: int) -> PublishedPort:
    """A port as it is once a number was chosen for it."""
    return msgspec.structs.replace(wish, host_ip=_bindable(wish, address6), host_port=number, last_port=0)


def _is_one_of(number: int, wish: PublishedPort) -> bool:
    return not wish.host_port or wish.host_port <= number <= max(wish.host_port, wish.last_port)


def _bindable(port: PublishedPort, address6: str) -> str:
    """Say every address one way only: as no address at all, unless that would be those of IPv6, too."""
    if port.host_ip == "0.0.0.0" and not address6:  # noqa: S104 - what Compose files say
        return ""
    if port.host_ip:
        parse = parse_address6 if ":" in port.host_ip else parse_address
        try:
            parse(port.host_ip)
        except AddressError:
            raise PortError(
                f"cannot publish {port.container_port}/{port.protocol} on {port.host_ip}: that is no address",
                hint="ports are published on addresses of the host",
            ) from None
    return port.host_ip


def _require_address(port: PublishedPort, address: str, address6: str) -> None:
    """Refuse a port that leads to an address of a kind that the container does not have."""
    what = f"{port.container_port}/{port.protocol}"
    if port.host_ip == "::1":
        raise PortError(
            f"cannot publish {what} on [::1]: the kernel leads nobody from there to a container",
            hint="publish it on 127.0.0.1: who asks for localhost gets there",
        )
    if ":" in port.host_ip and not address6:
        raise PortError(
            f"cannot publish {what} on [{port.host_ip}]: the container has no IPv6 address",
            hint="write `enable_ipv6: true` for its network, or publish on an IPv4 address",
        )
    if not address and (port.host_ip and ":" not in port.host_ip):
        raise PortError(
            f"cannot publish {what} on {port.host_ip}: the container has no IPv4 address",
            hint="remove `enable_ipv4: false` from its network, or publish on an IPv6 address",
        )


def _port_of(holding: socket.socket) -> int:
    return int(holding.getsockname()[1])


def _clash(one: PublishedPort, other: PublishedPort) -> bool:
    return (one.protocol, one.host_port) == (other.protocol, other.host_port) and (
        one.host_ip == other.host_ip or not _EVERYWHERE.isdisjoint((one.host_ip, other.host_ip))
    )


def _close(held: list[socket.socket]) -> None:
    for holding in held:
        holding.close()
