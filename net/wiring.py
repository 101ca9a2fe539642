"""Says which links, addresses and routes connect a container: requests for its router, requests for its inside."""

from collections.abc import Sequence
from typing import NamedTuple

from net import links
from net.addresses import mac_address, parse_address, parse_address6
from net.networks import Network
from net.rtnetlink import Request
from net.spec import Attachment

_LINK_LOCAL, _LINK_LOCAL6 = 16, 64


class Wire(NamedTuple):
    """One of a container's links: what it is, the network that it leads to, its number, its name in the router."""

    attachment: Attachment
    network: Network
    number: int
    name: str

    @property
    def address(self) -> int:
        """The address that the link's index in the router follows from."""
        return parse_address(self.attachment.address)

    @property
    def mac(self) -> bytes:
        """The hardware address of the end inside."""
        return bytes.fromhex(self.attachment.mac_address.replace(":", ""))


def wires_of(container_id: str, attachments: Sequence[tuple[Attachment, Network]]) -> list[Wire]:
    """A container's links, by the order of its attachments."""
    return [
        Wire(attachment, network, number, f"v{container_id[:11]}.{number}")
        for number, (attachment, network) in enumerate(attachments)
    ]


def way_out(wires: Sequence[Wire]) -> Wire | None:
    """The link that leads outside: to the network of the highest priority that is not internal, the first of equals."""
    outward = [wire for wire in wires if not wire.network.state.spec.internal]
    return max(outward, key=lambda wire: wire.attachment.gateway_priority, default=None)


def near_requests(wire: Wire, namespace_fd: int) -> list[Request]:
    """What makes a link, with its end in the router."""
    attachment, network, address = wire.attachment, wire.network, wire.address
    bridge = links.router_index(network.gateway)
    far = links.Far(attachment.interface, wire.number, wire.mac, namespace_fd)
    requests = [links.new_endpoint(wire.name, address, bridge, far, network.state.spec.mtu)]
    if network.state.spec.isolated:
        requests.append(links.isolate(address))
    return requests + neighbour_requests(network, address, wire.mac, attachment.address6)


def neighbour_requests(network: Network, address: int, mac: bytes, address6: str = "") -> list[Request]:
    """What tells a network's bridge where a container is."""
    bridge = links.router_index(network.gateway)
    requests = [links.new_neighbour(bridge, address, network.state.bridge, mac)]
    if address6:
        requests.append(links.new_neighbour(bridge, parse_address6(address6), network.state.bridge, mac, bits=128))
    return requests


def far_requests(wire: Wire) -> list[Request]:
    """What sets up the end inside: addresses, the link itself, where the gateway is."""
    attachment, network = wire.attachment, wire.network
    index, name = links.FIRST_ENDPOINT_INDEX + wire.number, attachment.interface
    requests = []
    if attachment.ipv4:
        requests.append(links.new_address(index, wire.address, attachment.prefix_length, name))
    if attachment.address6:
        address6 = parse_address6(attachment.address6)
        requests.append(links.new_address(index, address6, attachment.prefix_length6, name, bits=128))
    requests += [_link_local(index, text, name) for text in attachment.link_local]
    requests.append(links.link_up(index, name))
    if attachment.ipv4:
        requests.append(links.new_neighbour(index, network.gateway, name))
    if attachment.address6:
        gateway = mac_address(network.gateway)
        requests.append(links.new_neighbour(index, network.gateway6, name, gateway, bits=128))
    return requests


def route_requests(wires: Sequence[Wire]) -> list[Request]:
    """The default routes, one for each kind of address; none where no network leads outside."""
    requests = []
    out = way_out([wire for wire in wires if wire.attachment.ipv4])
    if out is not None:
        requests.append(links.default_route(out.network.gateway))
    out = way_out([wire for wire in wires if wire.attachment.address6])
    if out is not None:
        requests.append(links.default_route(out.network.gateway6, bits=128))
    return requests


def bridge_requests(network: Network) -> list[Request]:
    """What makes a network's bridge, with the gateway's addresses."""
    state, index = network.state, links.router_index(network.gateway)
    requests = [links.new_bridge(state.bridge, network.gateway, state.spec.mtu)]
    if state.spec.ipv4:
        requests.append(links.new_address(index, network.gateway, network.subnet.prefix_length, state.bridge))
    return requests


def sysctls_of(wires: Sequence[Wire]) -> list[tuple[str, str]]:
    """The settings that endpoints want for their links: the path below /proc/sys and the value of each."""
    found = []
    for wire in wires:
        for setting in wire.attachment.sysctls:
            name, _, value = setting.partition("=")
            parts = (wire.attachment.interface if part == "IFNAME" else part for part in name.strip().split("."))
            found.append(("/".join(parts), value.strip()))
    return found


def _link_local(index: int, text: str, name: str) -> Request:
    if ":" in text:
        return links.new_address(index, parse_address6(text), _LINK_LOCAL6, name, bits=128)
    return links.new_address(index, parse_address(text), _LINK_LOCAL, name)
