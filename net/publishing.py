"""Holds the host ports that a stack publishes.

A held port is a bound socket, so that another program that wants it is told so instead of losing its clients to a rule.
The record of what is published lies on disk: sockets end with their process, rules do not.
"""

import errno
import os
import socket
import struct
from array import array
from collections.abc import Sequence
from pathlib import Path

import msgspec

from net.addresses import parse_address
from net.errors import AddressError, PortError
from net.firewall import Published
from net.holders import holder_of
from net.spec import PublishedPort

_PORTS_TRIED_FOR_A_HINT = 100
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """What one container publishes: its ports as they are, leading to one of its addresses."""

    container_id: str
    address: str
    ports: tuple[PublishedPort, ...]

    def rules(self) -> tuple[Published, ...]:
        """Say the same in the firewall's terms."""
        return tuple(
            Published(port.protocol, port.host_ip, port.host_port, self.address, port.container_port)
            for port in self.ports
        )

    def datagram_ports(self) -> tuple[int, ...]:
        """List the host's UDP ports among them."""
        return tuple(port.host_port for port in self.ports if port.protocol == "udp")

    def satisfies(self, address: str | None, wanted: Sequence[PublishedPort]) -> bool:
        """Tell whether this is what is wanted, whatever host port stands where none was asked for."""
        if self.address != address or len(self.ports) != len(wanted):
            return False
        return all(
            made == msgspec.structs.replace(wish, host_ip=_bindable(wish), host_port=wish.host_port or made.host_port)
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

    def find(self, container_id: str) -> Publication | None:
        """Find what a container publishes."""
        return self._publications.get(container_id)

    def add(self, container_id: str, address: str, ports: tuple[PublishedPort, ...]) -> Publication:
        """Hold host ports for a container, choosing where none is given; all of them, or PortError and none."""
        held: list[socket.socket] = []
        chosen: list[PublishedPort] = []
        try:
            for port in ports:
                holding = self._hold(port)
                held.append(holding)
                chosen.append(msgspec.structs.replace(port, host_ip=_bindable(port), host_port=_port_of(holding)))
            publication = Publication(container_id=container_id, address=address, ports=tuple(chosen))
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
                    held.append(self._hold(port))
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

    def _hold(self, port: PublishedPort) -> socket.socket:
        address = _bindable(port)
        try:
            return _bind(port, address, port.host_port)
        except OSError as error:
            name = f"{address or '0.0.0.0'}:{port.host_port}/{port.protocol}"  # noqa: S104 - a name, not a socket
            if error.errno == errno.EADDRINUSE:
                raise PortError(
                    f"cannot publish {name}: the port is taken by {self._holder(port)}", hint=_free_port_hint(port)
                ) from None
            if error.errno == errno.EADDRNOTAVAIL:
                raise PortError(
                    f"cannot publish {name}: the host has no address {address}",
                    hint="see `ip address`, or leave the address out to publish on all of them",
                ) from None
            raise PortError(f"cannot publish {name}: {os.strerror(error.errno or 0)}") from None

    def _holder(self, port: PublishedPort) -> str:
        for path in self._stacks.glob("*/networks/.published/*"):
            other = _read(path)
            if other is not None and any(_clash(port, theirs) for theirs in other.ports):
                return f"the stack {path.parents[2].name} (container {other.container_id[:12]})"
        return holder_of(port.protocol, port.host_port)


def _read(path: Path) -> Publication | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Publication)
    except (OSError, msgspec.DecodeError):
        return None


def _bindable(port: PublishedPort) -> str:
    """Say every address one way only: as no address at all."""
    if port.host_ip in ("", "0.0.0.0"):  # noqa: S104 - what Compose files say
        return ""
    try:
        parse_address(port.host_ip)
    except AddressError:
        raise PortError(
            f"cannot publish {port.container_port}/{port.protocol} on {port.host_ip}: not an IPv4 address",
            hint="ports are published on IPv4 addresses of the host",
        ) from None
    return port.host_ip


def _deafen(holding: socket.socket) -> None:
    """Have a socket drop whatever arrives (SO_ATTACH_FILTER, socket(7)), with a classic BPF program of "return 0".

    Rules lead clients elsewhere; while somebody has flushed them, a client that tries again is better off than one
    that is let in by nobody.
    """
    program = array("B", struct.pack("=HBBI", 0x06, 0, 0, 0))
    holding.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", 1, program.buffer_info()[0]))


def _bind(port: PublishedPort, address: str, number: int) -> socket.socket:
    kind = socket.SOCK_STREAM if port.protocol == "tcp" else socket.SOCK_DGRAM
    holding = socket.socket(socket.AF_INET, kind)
    try:
        _deafen(holding)
        if port.protocol == "tcp":
            # Connections that a former holder left in TIME_WAIT are no obstacle; a listener still is.
            holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holding.bind((address, number))
        if port.protocol == "tcp":
            # Only a listening socket stands in the way of others with SO_REUSEADDR.
            holding.listen(0)
    except BaseException:
        holding.close()
        raise
    return holding


def _port_of(holding: socket.socket) -> int:
    return int(holding.getsockname()[1])


def _clash(one: PublishedPort, other: PublishedPort) -> bool:
    return (one.protocol, one.host_port) == (other.protocol, other.host_port) and (
        one.host_ip == other.host_ip or "" in (one.host_ip, other.host_ip)
    )


def _free_port_hint(port: PublishedPort) -> str:
    for number in range(port.host_port + 1, min(65536, port.host_port + 1 + _PORTS_TRIED_FOR_A_HINT)):
        try:
            _bind(port, "", number).close()
        except OSError:
            continue
        return f"stop it, or publish another port: {number} is free"
    return "stop it, or publish another port"


def _close(held: list[socket.socket]) -> None:
    for holding in held:
        holding.close()
