"""Looks over the host's links, routes and tables for what a stack left behind, or what stands in a stack's way.

The one door of pyroute2: reading is where a netlink library saves work, and a check-up may take the time of its import.
"""

import re
from collections.abc import Container, Iterable
from typing import Any, NamedTuple

from pyroute2 import IPRoute  # type: ignore[import-untyped] # it comes without types
from pyroute2.nftables.main import NFTables  # type: ignore[import-untyped] # likewise

from net.addresses import Block, parse_address, parse_block
from net.uplink import HOST_LINK_PREFIX

_LINK = re.compile(rf"{HOST_LINK_PREFIX}([0-9a-f]{{8}})")
_TABLE = re.compile(r"windlass-.+-([0-9a-f]{8})")
_NFPROTO_IPV4, _NFPROTO_IPV6 = 2, 10


class Overlap(NamedTuple):
    """A route of the host that takes packets away from a network: towards `destination`, through `interface`."""

    subnet: str
    destination: str
    interface: str


def leftover_links(live_tokens: Container[str]) -> tuple[str, ...]:
    """Find the uplinks in this namespace whose stack is not among the living."""
    with IPRoute() as netlink:
        names = sorted(_text(link.get("IFLA_IFNAME")) for link in netlink.get_links())
    return tuple(name for name in names if (match := _LINK.fullmatch(name)) and match[1] not in live_tokens)


def leftover_tables(live_tokens: Container[str]) -> tuple[str, ...]:
    """Find the firewall tables in this namespace whose stack is not among the living, each name once."""
    names: set[str] = set()
    for family in (_NFPROTO_IPV4, _NFPROTO_IPV6):
        with NFTables(nfgen_family=family) as netlink:
            names.update(_text(table.get("NFTA_TABLE_NAME")) for table in netlink.get_tables())
    return tuple(name for name in sorted(names) if (match := _TABLE.fullmatch(name)) and match[1] not in live_tokens)


def overlapping_routes(subnets: Iterable[str]) -> tuple[Overlap, ...]:
    """Find the host's routes that are as narrow as a network or narrower, overlap it, and lead elsewhere."""
    blocks = [parse_block(subnet) for subnet in subnets]
    found = []
    with IPRoute() as netlink:
        names = {link["index"]: _text(link.get("IFLA_IFNAME")) for link in netlink.get_links()}
        for route in netlink.get_routes(family=2, table=254):
            destination = route.get("RTA_DST")
            if destination is None:
                continue
            theirs = Block(parse_address(_text(destination)), route["dst_len"])
            interface = names.get(route.get("RTA_OIF"), "")
            if interface.startswith(HOST_LINK_PREFIX):
                continue
            found += [
                Overlap(str(block), str(theirs), interface)
                for block in blocks
                if block.overlaps(theirs) and theirs.prefix_length >= block.prefix_length
            ]
    return tuple(sorted(found))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")
