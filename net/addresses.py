"""Chooses subnets and addresses.

Addresses are plain integers here: the standard library's ipaddress costs 8 ms to import, on every start.
"""

import socket
import struct
from collections.abc import Container, Iterable
from typing import NamedTuple

from net.errors import AddressError

SUBNET_PREFIX_LENGTH = 22
UPLINK_PREFIX_LENGTH = 30


class Block(NamedTuple):
    """A range of addresses with a common prefix; of 32 `bits` (IPv4) or 128 (IPv6)."""

    first: int
    prefix_length: int
    bits: int = 32

    @property
    def last(self) -> int:
        """The highest address, which is the broadcast address of a subnet."""
        return self.first | ((1 << self.bits - self.prefix_length) - 1)

    def overlaps(self, other: "Block") -> bool:
        """Tell whether any address is in both."""
        return self.bits == other.bits and self.first <= other.last and other.first <= self.last

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and self.first <= address <= self.last

    def __str__(self) -> str:
        return f"{self.format(self.first)}/{self.prefix_length}"

    def format(self, address: int) -> str:
        """Write an address of this kind."""
        return format_address(address) if self.bits == 32 else format_address6(address)

    def parse(self, text: str) -> int:
        """Read an address of this kind; anything else is an AddressError."""
        return parse_address(text) if self.bits == 32 else parse_address6(text)


class Route(NamedTuple):
    """Where the host sends a range of addresses."""

    block: Block
    interface: str


def parse_address(text: str) -> int:
    """Read a dotted quad; anything else, leading zeros included, is an AddressError."""
    parts = text.split(".")
    if len(parts) == 4 and all(part.isascii() and part.isdigit() and str(int(part)) == part for part in parts):
        numbers = [int(part) for part in parts]
        if max(numbers) < 256:
            return int.from_bytes(numbers, "big")
    raise AddressError(f"{text!r} is not an IPv4 address", hint="write it like 172.20.0.5")


def format_address(address: int) -> str:
    """Write an address as a dotted quad."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def parse_address6(text: str) -> int:
    """Read an IPv6 address; anything else is an AddressError."""
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
    except (OSError, ValueError):
        raise AddressError(f"{text!r} is not an IPv6 address", hint="write it like fd00:5::9") from None


def format_address6(address: int) -> str:
    """Write an IPv6 address in its shortest form."""
    return socket.inet_ntop(socket.AF_INET6, address.to_bytes(16, "big"))


def parse_subnet6(text: str) -> Block:
    """Read an IPv6 subnet that can hold a gateway and a container."""
    address, _, length = text.partition("/")
    if length.isascii() and length.isdigit() and 8 <= int(length) <= 126:
        block = Block(parse_address6(address), int(length), 128)
        if block.first & (block.last - block.first) == 0:
            return block
    raise AddressError(f"{text!r} is not a subnet of IPv6 for containers", hint="write it like fd00:5::/64")


def choose_subnet6(seed: str) -> Block:
    """Choose a subnet among the local ones (RFC 4193): always the same for a seed, and hardly ever another's."""
    import hashlib  # noqa: PLC0415 - loads OpenSSL, for the few networks that speak IPv6

    return Block(int.from_bytes(b"\xfd" + hashlib.sha256(seed.encode()).digest()[:7], "big") << 64, 64, 128)


def parse_block(text: str) -> Block:
    """Read `address/prefix length`; an address with bits beyond its prefix is an AddressError."""
    address, _, length = text.partition("/")
    if length.isascii() and length.isdigit() and int(length) <= 32:
        block = Block(parse_address(address), int(length))
        if block.first & (0xFFFFFFFF >> block.prefix_length) == 0:
            return block
    raise AddressError(f"{text!r} is not an IPv4 subnet", hint="write it like 172.20.0.0/16")


def parse_subnet(text: str) -> Block:
    """Read a subnet that can hold a gateway and a container."""
    block = parse_block(text)
    if not 8 <= block.prefix_length <= 30:
        raise AddressError(f"a network cannot have the subnet {text}", hint="take a prefix length from 8 to 30")
    return block


SUBNET_POOLS = tuple(parse_block(text) for text in ("172.16.0.0/12", "10.128.0.0/9", "192.168.0.0/16"))
UPLINK_POOLS = tuple(parse_block(text) for text in ("172.31.240.0/20", "10.255.0.0/16", "169.254.64.0/18"))


def parse_routes(proc_net_route: str) -> tuple[Route, ...]:
    """Read the text of /proc/net/route (proc_pid_net(5)): one line a route, addresses as little-endian hexadecimal.

    Default routes are left out, and so are their halves (0.0.0.0/1 and 128.0.0.0/1, as VPN clients write them).
    """
    routes = []
    for line in proc_net_route.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        first, mask = (struct.unpack("<I", bytes.fromhex(field))[0] for field in (fields[1], fields[7]))
        prefix_length = int(mask).bit_count()
        if prefix_length > 1:
            routes.append(Route(Block(int(first), prefix_length), fields[0]))
    return tuple(routes)


def parse_nameservers(resolv_conf: str) -> tuple[int, ...]:
    """Find the IPv4 nameservers in the text of a resolv.conf(5)."""
    found = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and ":" not in words[1]:
            try:
                found.append(parse_address(words[1]))
            except AddressError:
                continue
    return tuple(found)


def choose_subnet(occupied: Iterable[Block]) -> Block:
    """Choose the first free subnet for a network: 1,022 endpoints, clear of everything occupied."""
    return _choose_block(SUBNET_POOLS, SUBNET_PREFIX_LENGTH, tuple(occupied), "subnet for a network")


def choose_uplink(occupied: Iterable[Block]) -> Block:
    """Choose the first free pair of addresses for the link between a stack's router and the host."""
    return _choose_block(UPLINK_POOLS, UPLINK_PREFIX_LENGTH, tuple(occupied), "addresses for a stack's uplink")


def _choose_block(pools: Iterable[Block], prefix_length: int, occupied: tuple[Block, ...], purpose: str) -> Block:
    size = 1 << (32 - prefix_length)
    for pool in pools:
        first = pool.first
        while first < pool.last:
            candidate = Block(first, prefix_length)
            obstacle = max((block.last for block in occupied if block.overlaps(candidate)), default=None)
            if obstacle is None:
                return candidate
            first = (obstacle // size + 1) * size
    raise AddressError(
        f"no free {purpose} is left: the host's routes cover {', '.join(str(pool) for pool in pools)}",
        hint="see `ip route`; give the network a subnet of your own (networks.<name>.ipam.config.subnet)",
    )


def check_wanted_subnet(wanted: Block, routes: Iterable[Route], stack_link_prefix: str) -> None:
    """Refuse a subnet asked for by the user that would cut off, or be cut off by, what the host already reaches.

    A wider route, such as a VPN's 10.0.0.0/8, is no obstacle: the narrower one wins. A stack's network always is.
    """
    for route in routes:
        if not wanted.overlaps(route.block):
            continue
        if route.interface.startswith(stack_link_prefix):
            raise AddressError(
                f"the subnet {wanted} overlaps {route.block}, a network of another stack",
                hint="choose another subnet, or leave it out and a free one is found",
            )
        if route.block.prefix_length >= wanted.prefix_length:
            raise AddressError(
                f"the subnet {wanted} overlaps {route.block}, which the host reaches through {route.interface}",
                hint="choose another subnet, or leave it out and a free one is found",
            )


def choose_gateway(subnet: Block, wanted: str) -> int:
    """Choose the gateway's address: the wanted one, or the subnet's first."""
    if not wanted:
        return subnet.first + 1
    address = subnet.parse(wanted)
    if not subnet.first < address < subnet.last:
        raise AddressError(f"the gateway {wanted} is not an address of {subnet}")
    return address


def choose_address(
    subnet: Block, taken: Container[int], wanted: int | None = None, *, within: Block | None = None
) -> int:
    """Choose an endpoint's address: the wanted one, or the lowest that is not taken (`within` a part of the subnet).

    An address that comes back soon does no harm: hardware addresses follow from addresses, so no cache is wrong.
    """
    if wanted is not None:
        if not subnet.first < wanted < subnet.last:
            raise AddressError(
                f"the address {subnet.format(wanted)} is not in the subnet {subnet}",
                hint="choose one inside the subnet that is neither its first nor its last",
            )
        if wanted in taken:
            raise AddressError(f"the address {subnet.format(wanted)} is taken already")
        return wanted
    part = within or subnet
    for address in range(max(subnet.first + 1, part.first), min(subnet.last, part.last + 1)):
        if address not in taken:
            return address
    raise AddressError(f"no address is left in {part}", hint="give the network a larger subnet")


def mac_address(address: int) -> bytes:
    """Derive the hardware address of the link that holds an address: locally administered, unique where it is."""
    return b"\x02\x57" + address.to_bytes(4, "big")
