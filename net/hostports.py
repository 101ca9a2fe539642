"""Holds one port of the host: a bound socket that nobody is let in by."""

import errno
import os
import socket
import struct
from array import array
from collections.abc import Callable

from net.errors import PortError
from net.spec import PublishedPort

_PORTS_TRIED_FOR_A_HINT = 100
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h


def hold_port(port: PublishedPort, address: str, number: int, holder: Callable[[], str]) -> socket.socket:
    """Bind a host port on an address (empty: all of IPv4); PortError if that cannot be, naming who has it."""
    try:
        return _bind(port, address, number)
    except OSError as error:
        shown = f"[{address}]" if ":" in address else address or "0.0.0.0"  # noqa: S104 - a name, not a socket
        name = f"{shown}:{port.host_port}/{port.protocol}"
        if error.errno == errno.EADDRINUSE:
            raise PortError(
                f"cannot publish {name}: the port is taken by {holder()}", hint=_free_port_hint(port)
            ) from None
        if error.errno == errno.EADDRNOTAVAIL:
            raise PortError(
                f"cannot publish {name}: the host has no address {address}",
                hint="see `ip address`, or leave the address out to publish on all of them",
            ) from None
        raise PortError(f"cannot publish {name}: {os.strerror(error.errno or 0)}") from None


def kind_of(port: PublishedPort) -> int:
    """Give the type of the sockets that hold a port."""
    return socket.SOCK_STREAM if port.protocol == "tcp" else socket.SOCK_DGRAM


def _bind(port: PublishedPort, address: str, number: int) -> socket.socket:
    holding = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind_of(port))
    try:
        _deafen(holding)
        if ":" in address:
            holding.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
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


def _deafen(holding: socket.socket) -> None:
    """Have a socket drop whatever arrives (SO_ATTACH_FILTER, socket(7)), with a classic BPF program of "return 0".

    Rules lead clients elsewhere; while somebody has flushed them, a client that tries again is better off than one
    that is let in by nobody.
    """
    program = array("B", struct.pack("=HBBI", 0x06, 0, 0, 0))
    holding.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", 1, program.buffer_info()[0]))


def _free_port_hint(port: PublishedPort) -> str:
    for number in range(port.host_port + 1, min(65536, port.host_port + 1 + _PORTS_TRIED_FOR_A_HINT)):
        try:
            _bind(port, "", number).close()
        except OSError:
            continue
        return f"stop it, or publish another port: {number} is free"
    return "stop it, or publish another port"
