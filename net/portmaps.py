"""Writes the part of a stack's rules that leads host ports to containers, as text for nft(8).

A port that leads to one container is an element of a map, so that one more of them costs one more element. One that
several containers share is an element that leads to a chain of its own, which deals new connections out in turn.
Whatever changes for a port is one transaction, and connections that exist go on where they are.
"""

from collections.abc import Iterable
from typing import NamedTuple

from net.spec import Protocol


class Published(NamedTuple):
    """A host port and where it leads; `host_ip` is empty for every address of the host."""

    protocol: Protocol
    host_ip: str
    host_port: int
    address: str
    container_port: int

    @property
    def family(self) -> str:
        """The word for its kind of addresses."""
        return "ip6" if ":" in self.address else "ip"

    @property
    def port(self) -> "HostPort":
        """What clients connect to."""
        return HostPort(self.family, self.protocol, self.host_ip, self.host_port)


class HostPort(NamedTuple):
    """A host port in one kind of addresses."""

    family: str
    protocol: Protocol
    host_ip: str
    number: int

    @property
    def anywhere(self) -> str:
        """The port as an element of a set, whatever the address."""
        return f"{self.protocol} . {self.number}"

    @property
    def key(self) -> str:
        """The port as the key of an element."""
        return f"{self.host_ip} . {self.anywhere}" if self.host_ip else self.anywhere

    @property
    def map(self) -> str:
        """The map that its element stands in when it leads to one container; that of shared ones begins with it."""
        return "bound" if self.host_ip else "everywhere"

    @property
    def chain(self) -> str:
        """Its chain when it is shared."""
        address = f"{self.host_ip.replace(':', '_')}-" if self.host_ip else ""
        return f"to-{address}{self.protocol}-{self.number}"


def port_maps(family: str, published: Iterable[Published]) -> str:
    """Write the maps of a table, with the chains of shared ports."""
    kind = "ipv4_addr" if family == "ip" else "ipv6_addr"
    groups = _grouped(one for one in published if one.family == family)
    parts = []
    for name, key in (("everywhere", ""), ("bound", f"{kind} . ")):
        mine = {port: targets for port, targets in groups.items() if port.map == name}
        single = elements(f"{port.key} : {targets[0]}" for port, targets in mine.items() if len(targets) == 1)
        shared = elements(f"{port.key} : goto {port.chain}" for port, targets in mine.items() if len(targets) > 1)
        parts.append(
            f"""
	map {name} {{
		type {key}inet_proto . inet_service : {kind} . inet_service{single}
	}}
	map {name}_shared {{
		type {key}inet_proto . inet_service : verdict{shared}
	}}"""
        )
    for port, targets in groups.items():
        if len(targets) > 1:
            parts.append(f"\n\tchain {port.chain} {{\n\t\t{_deal(port, targets)}\n\t}}")
    return "".join(parts)


def port_rules(family: str) -> str:
    """Write the rules that look a packet's port up: those of its own address come first."""
    anywhere = "meta l4proto . th dport"
    ports = "meta l4proto { tcp, udp }"
    return f"""
		{ports} {family} daddr . {anywhere} vmap @bound_shared
		{ports} dnat {family} to {family} daddr . {anywhere} map @bound
		{ports} {anywhere} vmap @everywhere_shared
		{ports} dnat {family} to {anywhere} map @everywhere"""


def ports_change(table: str, before: Iterable[Published], after: Iterable[Published]) -> str:
    """Write what brings the ports of a table that stands from where they lead to where they shall lead.

    Both name every container that one of these ports leads to.
    """
    were, shall = _grouped(before), _grouped(after)
    lines = []
    for port in {**were, **shall}:
        old, new = were.get(port, ()), shall.get(port, ())
        here = f"{port.family} {table}"
        if len(old) > 1 and len(new) > 1:
            lines += [f"flush chain {here} {port.chain}", f"add rule {here} {port.chain} {_deal(port, new)}"]
            continue
        lines += [*_lead(here, port, old, "delete"), *_lead(here, port, new, "add")]
        if port.family == "ip6" and bool(old) != bool(new):
            lines.append(f"{'add' if new else 'delete'} element {here} ports {{ {port.anywhere} }}")
    return "".join(f"{line}\n" for line in lines)


def elements(texts: Iterable[str]) -> str:
    """Write the elements that a set or map begins with; nothing for none."""
    text = ",\n\t\t\t".join(texts)
    return f"\n\t\telements = {{\n\t\t\t{text}\n\t\t}}" if text else ""


def _lead(here: str, port: HostPort, targets: tuple[str, ...], verb: str) -> list[str]:
    """The commands that begin (add) or end (delete) that a port leads to these targets."""
    if not targets:
        return []
    if len(targets) == 1:
        return [f"{verb} element {here} {port.map} {{ {port.key} : {targets[0]} }}"]
    element = f"{verb} element {here} {port.map}_shared {{ {port.key} : goto {port.chain} }}"
    if verb == "delete":
        return [element, f"delete chain {here} {port.chain}"]
    return [f"add chain {here} {port.chain}", f"add rule {here} {port.chain} {_deal(port, targets)}", element]


def _deal(port: HostPort, targets: tuple[str, ...]) -> str:
    turns = ", ".join(f"{turn} : {target}" for turn, target in enumerate(targets))
    return f"meta l4proto {port.protocol} dnat {port.family} to numgen inc mod {len(targets)} map {{ {turns} }}"


def _grouped(published: Iterable[Published]) -> dict[HostPort, tuple[str, ...]]:
    """Each port with all that it leads to."""
    groups: dict[HostPort, tuple[str, ...]] = {}
    for one in sorted(published):
        groups[one.port] = (*groups.get(one.port, ()), f"{one.address} . {one.container_port}")
    return groups
