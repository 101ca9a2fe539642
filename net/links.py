"""Builds the requests that make links, addresses and routes.

In a router, a link's index is its IPv4 address without the top bit: nothing has to be asked back from the kernel.
Numbers are those of linux/if_link.h, if_addr.h, neighbour.h, rtnetlink.h, if_bridge.h and veth.h.
"""

import errno
import socket
import struct
from typing import NamedTuple

from net.addresses import Block, format_address, mac_address
from net.rtnetlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    RTM_DELLINK,
    RTM_DELROUTE,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWNEIGH,
    RTM_NEWROUTE,
    Request,
    attribute,
)

LOOPBACK_INDEX = 1
FIRST_ENDPOINT_INDEX = 16
"""Leaves room for the tunnel devices that some kernels put into every new namespace."""

_IFF_UP = 1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 1, 3, 10, 18, 28
_IFLA_NUM_TX_QUEUES, _IFLA_NUM_RX_QUEUES = 31, 32
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _VETH_INFO_PEER, _IFLA_BR_MCAST_SNOOPING = 1, 2, 1, 23
_IFLA_INFO_SLAVE_KIND, _IFLA_INFO_SLAVE_DATA, _IFLA_BRPORT_ISOLATED, _IFLA_MTU = 4, 5, 33, 4
_IFA_F_NODAD = 0x02
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_NDA_DST, _NDA_LLADDR, _NUD_PERMANENT = 1, 2, 0x80
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_RT_TABLE_MAIN, _RTPROT_STATIC, _RT_SCOPE_UNIVERSE, _RTN_UNICAST = 254, 4, 0, 1

_ONE_QUEUE = attribute(_IFLA_NUM_TX_QUEUES, struct.pack("=I", 1)) + attribute(_IFLA_NUM_RX_QUEUES, struct.pack("=I", 1))


def router_index(address: int) -> int:
    """Index of the router's link that holds, or leads to, an address."""
    return address & 0x7FFFFFFF


def new_bridge(name: str, gateway: int, mtu: int = 0) -> Request:
    """Make a network's bridge, up; its hardware address is fixed, so that no neighbour has to learn it twice."""
    info = attribute(_IFLA_INFO_KIND, b"bridge") + attribute(_IFLA_INFO_DATA, attribute(_IFLA_BR_MCAST_SNOOPING, b"\0"))
    body = (
        _link(router_index(gateway), up=True)
        + _name(name)
        + attribute(_IFLA_ADDRESS, mac_address(gateway))
        + _mtu(mtu)
        + attribute(_IFLA_LINKINFO, info)
    )
    return Request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body, f"make the bridge {name}", (errno.EEXIST,))


def new_uplink(router_name: str, router_address: int, host_name: str, host_fd: int) -> Request:
    """Make the veth pair between router and host, both ends down. For the router's socket.

    Only the near end of a pair may have an index of our choice without the far end needing one, too.
    """
    near = _link(router_index(router_address), up=None) + _name(router_name)
    return _new_veth(near, _peer(host_name, 0, host_fd), f"make the uplink {host_name}")


class Far(NamedTuple):
    """The end of a container's link that is inside of it: its name, its number, its hardware address."""

    interface: str
    number: int
    mac: bytes
    namespace_fd: int


def new_endpoint(name: str, address: int, bridge_index: int, far: Far, mtu: int = 0) -> Request:
    """Make a container's veth pair: one end on the bridge, up; the other in the container, down until told otherwise.

    The kernel refuses to switch the far end on before the near one exists.
    """
    peer = _peer(far.interface, FIRST_ENDPOINT_INDEX + far.number, far.namespace_fd, far.mac, mtu)
    port = (
        _link(router_index(address), up=True)
        + _name(name)
        + _mtu(mtu)
        + attribute(_IFLA_MASTER, struct.pack("=I", bridge_index))
    )
    return _new_veth(port, peer, f"make the link {far.interface} for {format_address(address)}")


def isolate(address: int) -> Request:
    """Keep a container's near end from the other isolated ones of its bridge; the bridge itself is reached."""
    port = attribute(_IFLA_INFO_SLAVE_KIND, b"bridge") + attribute(
        _IFLA_INFO_SLAVE_DATA, attribute(_IFLA_BRPORT_ISOLATED, b"\1")
    )
    body = _link(router_index(address), up=None) + attribute(_IFLA_LINKINFO, port)
    return Request(RTM_NEWLINK, 0, body, f"isolate the link of {format_address(address)}", (errno.ENODEV,))


def join_bridge(address: int, bridge_index: int) -> Request:
    """Put a container's near end on a bridge that was made again; there already, or no such link, is fine."""
    body = _link(router_index(address), up=None) + attribute(_IFLA_MASTER, struct.pack("=I", bridge_index))
    return Request(RTM_NEWLINK, 0, body, f"put the link of {format_address(address)} on its bridge", (errno.ENODEV,))


def delete_link(index: int, what: str) -> Request:
    """Remove a link, and a veth pair with it; none with this index is fine."""
    return Request(RTM_DELLINK, 0, _link(index, up=None), f"remove the link of {what}", (errno.ENODEV,))


def delete_link_named(name: str) -> Request:
    """Remove a link, and a veth pair with it; none of this name is fine."""
    return Request(RTM_DELLINK, 0, _link(0, up=None) + _name(name), f"remove the link {name}", (errno.ENODEV,))


def move_link(name: str, index: int, namespace_fd: int) -> Request:
    """Hand a link to another namespace, which takes its routes off this one; one that is gone is fine."""
    body = _link(index, up=None) + attribute(_IFLA_NET_NS_FD, struct.pack("=I", namespace_fd))
    return Request(RTM_NEWLINK, 0, body, f"move the link {name} away", (errno.ENODEV,))


def link_up(index: int, what: str) -> Request:
    """Switch a link on."""
    return Request(RTM_NEWLINK, 0, _link(index, up=True), f"switch {what} on")


def new_address(index: int, address: int, prefix_length: int, what: str, *, bits: int = 32) -> Request:
    """Give a link an address; one that it has already is fine. One of IPv6 can be used at once, as its own is known."""
    block = Block(address, prefix_length, bits)
    raw = address.to_bytes(bits // 8, "big")
    family, flags = (socket.AF_INET, 0) if bits == 32 else (socket.AF_INET6, _IFA_F_NODAD)
    body = (
        struct.pack("=BBBBi", family, prefix_length, flags, _RT_SCOPE_UNIVERSE, index)
        + attribute(_IFA_ADDRESS, raw)
        + attribute(_IFA_LOCAL, raw)
    )
    if bits == 32:
        body += attribute(_IFA_BROADCAST, block.last.to_bytes(4, "big"))
    attempt = f"give {what} the address {block}"
    return Request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body, attempt)


def new_neighbour(index: int, address: int, what: str, mac: bytes = b"", *, bits: int = 32) -> Request:
    """Tell a link the hardware address of a neighbour, for good.

    It follows from the address unless it is given, so asking for it would only fill the table of neighbours, which all
    namespaces of the host share: 1,024 entries by default, two for each container that talks to the outside.
    """
    body = (
        struct.pack("=BxxxiHBB", socket.AF_INET if bits == 32 else socket.AF_INET6, index, _NUD_PERMANENT, 0, 0)
        + attribute(_NDA_DST, address.to_bytes(bits // 8, "big"))
        + attribute(_NDA_LLADDR, mac or mac_address(address))
    )
    attempt = f"tell {what} where {Block(address, bits, bits).format(address)} is"
    return Request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body, attempt)


def default_route(gateway: int, *, bits: int = 32) -> Request:
    """Send everything that has no route of its own to a gateway."""
    everything = Block(0, 0, bits)
    attempt = f"make {everything.format(gateway)} the default gateway"
    return Request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, _route(everything, gateway), attempt)


def new_route(block: Block, gateway: int, index: int, *, adopt: bool) -> Request:
    """Send a block to a gateway behind a link. A route to it that exists is an error, unless it is to be adopted."""
    body = _route(block, gateway) + attribute(_RTA_OIF, struct.pack("=i", index))
    tolerated = (errno.EEXIST,) if adopt else ()
    return Request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body, f"make a route to {block}", tolerated)


def delete_route(block: Block, gateway: int) -> Request:
    """Stop sending a block to a gateway; no such route is fine."""
    return Request(RTM_DELROUTE, 0, _route(block, gateway), f"remove the route to {block}", (errno.ESRCH,))


def _new_veth(near: bytes, peer: bytes, attempt: str) -> Request:
    info = attribute(_IFLA_INFO_KIND, b"veth") + attribute(_IFLA_INFO_DATA, attribute(_VETH_INFO_PEER, peer))
    return Request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, near + _ONE_QUEUE + attribute(_IFLA_LINKINFO, info), attempt)


def _peer(name: str, index: int, namespace_fd: int, mac: bytes = b"", mtu: int = 0) -> bytes:
    place = attribute(_IFLA_NET_NS_FD, struct.pack("=I", namespace_fd))
    address = attribute(_IFLA_ADDRESS, mac) if mac else b""
    return _link(index, up=None) + _name(name) + place + _ONE_QUEUE + address + _mtu(mtu)


def _mtu(mtu: int) -> bytes:
    return attribute(_IFLA_MTU, struct.pack("=I", mtu)) if mtu else b""


def _link(index: int, *, up: bool | None) -> bytes:
    flags, change = (0, 0) if up is None else (_IFF_UP if up else 0, _IFF_UP)
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, change)


def _name(name: str) -> bytes:
    return attribute(_IFLA_IFNAME, name.encode() + b"\0")


def _route(block: Block, gateway: int) -> bytes:
    header = struct.pack(
        "=BBBBBBBBI",
        socket.AF_INET if block.bits == 32 else socket.AF_INET6,
        block.prefix_length,
        0,
        0,
        _RT_TABLE_MAIN,
        _RTPROT_STATIC,
        _RT_SCOPE_UNIVERSE,
        _RTN_UNICAST,
        0,
    )
    size = block.bits // 8
    destination = attribute(_RTA_DST, block.first.to_bytes(size, "big")) if block.prefix_length else b""
    return header + destination + attribute(_RTA_GATEWAY, gateway.to_bytes(size, "big"))
