"""Writes the two rulesets of a stack, as text for nft(8): one for the host, one for the router.

The host's rules are one table of the stack's own: it is replaced whole, in one transaction, and deleting it is all the
cleaning up there is. The router's rules keep no state: what enters through the uplink was judged by the host.
"""

from collections.abc import Iterable
from typing import NamedTuple

from net.addresses import Block
from net.portmaps import Published, elements, port_maps, port_rules

ROUTER_TABLE = "windlass"


class HostSide(NamedTuple):
    """What the host's rules of one stack are about, for one kind of addresses.

    `subnets` are those of networks that are not internal; those that are `bare` are seen outside as they are.
    """

    table: str
    uplink: str
    uplink_block: Block
    subnets: tuple[Block, ...]
    bare: tuple[Block, ...] = ()


class Bridge(NamedTuple):
    """A network as the router's rules see it."""

    name: str
    internal: bool
    isolated: bool = False


class _Kind(NamedTuple):
    """The words for one kind of addresses, and what is only so for it."""

    family: str
    address_type: str
    own: str
    raw: str
    elsewhere: str
    unpublished: str


_IPV4 = _Kind("ip", "ipv4_addr", "127.0.0.0/8", '\n\t\tip daddr 127.0.0.0/8 iifname != "lo" drop', "", "")
# The kernel itself drops ::1 that comes from elsewhere. Links find each other by addresses of their own.
_IPV6 = _Kind("ip6", "ipv6_addr", "::1", "", " ip6 saddr != { ::, fe80::/10 }", "\n\t\tip6 daddr ::1 return")
# The kernel takes no answer to ::1 from outside. Whoever asks there is told at once, and tries 127.0.0.1 next.
_REFUSE_LOOPBACK = """
	set ports {{
		type inet_proto . inet_service{ports}
	}}
	chain loopback {{
		type filter hook output priority -110; policy accept;
		ip6 daddr != ::1 accept
		meta l4proto tcp meta l4proto . th dport @ports reject with tcp reset
		meta l4proto udp meta l4proto . th dport @ports reject
	}}"""


def host_ruleset(side: HostSide, published: Iterable[Published]) -> str:
    """Write the host's table: nobody but the host and published ports leads to a container.

    `raw` runs before any address is rewritten: whoever writes a container's address on a packet himself, a neighbour on
    the local network or another stack, is dropped there. `forward` says the same again in terms of connections.
    Masquerading makes answers come back the way that they have to: out of the host for what containers ask outside,
    to the host for clients on 127.0.0.1, and through the host for containers that use a port their own stack publishes.
    """
    kind = _IPV4 if side.uplink_block.bits == 32 else _IPV6
    family = kind.family
    inside = ", ".join(str(block) for block in sorted((side.uplink_block, *side.subnets)))
    rules = sorted(one for one in published if one.family == family)
    bare = ", ".join(str(block) for block in sorted(side.bare))
    bare_rule = f'\n\t\toifname != "{side.uplink}" {family} saddr {{ {bare} }} accept' if bare else ""
    no_loopback = (
        ""
        if kind is _IPV4
        else _REFUSE_LOOPBACK.format(ports=elements(dict.fromkeys(one.port.anywhere for one in rules)))
    )
    return f"""\
add table {family} {side.table}
delete table {family} {side.table}
table {family} {side.table} {{{no_loopback}
	set inside {{
		type {kind.address_type}
		flags interval
		elements = {{ {inside} }}
	}}{port_maps(family, rules)}
	chain raw {{
		type filter hook prerouting priority raw; policy accept;{kind.raw}
		iifname "{side.uplink}" {family} saddr != @inside{kind.elsewhere} drop
		iifname {{ "lo", "{side.uplink}" }} accept
		{family} daddr @inside drop
	}}
	chain forward {{
		type filter hook forward priority filter; policy accept;
		oifname != "{side.uplink}" accept
		ct state established,related accept
		ct status dnat accept
		drop
	}}
	chain published {{
		fib daddr type != local return{kind.unpublished}{port_rules(family)}
	}}
	chain prerouting {{
		type nat hook prerouting priority dstnat; policy accept;
		jump published
	}}
	chain output {{
		type nat hook output priority -100; policy accept;
		jump published
	}}
	chain postrouting {{
		type nat hook postrouting priority srcnat; policy accept;{bare_rule}
		oifname != "{side.uplink}" {family} saddr @inside masquerade
		oifname "{side.uplink}" {family} saddr {kind.own} masquerade
		oifname "{side.uplink}" {family} saddr @inside ct status dnat masquerade
	}}
}}
"""


def remove_ruleset(table: str, *, wide: bool = False) -> str:
    """Write what removes the host's table, whether it is there or not; `wide`: that of IPv6."""
    family = (_IPV6 if wide else _IPV4).family
    return f"add table {family} {table}\ndelete table {family} {table}\n"


def router_ruleset(uplink: str, bridges: Iterable[Bridge], *, wide: bool = False) -> str:
    """Write the router's table: a network reaches itself and, unless it is internal, the uplink; nothing else.

    `wide`: the table for IPv6.

    A network to itself is listed because bridged packets pass here too where the host has br_netfilter loaded.
    """
    pairs = []
    for bridge in sorted(bridges):
        if not bridge.isolated:
            pairs.append(f'"{bridge.name}" . "{bridge.name}"')
        if not bridge.internal:
            pairs += [f'"{bridge.name}" . "{uplink}"', f'"{uplink}" . "{bridge.name}"']
    accept = f"\n\t\tiifname . oifname {{ {', '.join(pairs)} }} accept" if pairs else ""
    family = (_IPV6 if wide else _IPV4).family
    return f"""\
add table {family} {ROUTER_TABLE}
delete table {family} {ROUTER_TABLE}
table {family} {ROUTER_TABLE} {{
	chain forward {{
		type filter hook forward priority filter; policy drop;{accept}
	}}
}}
"""
