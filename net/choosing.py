"""Chooses for a new network what its spec leaves open: subnets, gateways, the bridge's name."""

from collections.abc import Mapping

from msgspec import structs

from net.addresses import (
    Block,
    check_wanted_subnet,
    choose_gateway,
    choose_subnet,
    choose_subnet6,
    format_address,
    parse_subnet,
    parse_subnet6,
)
from net.errors import NetError
from net.networks import Network
from net.spec import NetworkSpec, NetworkState
from net.survey import Survey
from net.uplink import HOST_LINK_PREFIX

BRIDGE_PREFIX = "br"


def choose_state(spec: NetworkSpec, networks: Mapping[str, Network], survey: Survey, uplink_name: str) -> NetworkState:
    """The network as it is to be made beside those that exist; NetError when it cannot be."""
    subnet = _subnet(spec, networks, survey)
    gateway = choose_gateway(subnet, spec.gateway)
    used = {network.state.bridge for network in networks.values()}
    free = (name for number in range(len(used) + 1) if (name := f"{BRIDGE_PREFIX}{number}") not in used)
    bridge = next(free) if not spec.bridge or spec.bridge in used else spec.bridge
    state = NetworkState(spec=spec, subnet=str(subnet), gateway=format_address(gateway), bridge=bridge)
    if not spec.ipv6:
        return state
    subnet6 = parse_subnet6(spec.subnet6) if spec.subnet6 else choose_subnet6(f"{uplink_name} {spec.name}")
    for name, network in networks.items():
        if network.subnet6 is not None:
            _require_apart(spec, subnet6, name, network.subnet6)
    gateway6 = subnet6.format(choose_gateway(subnet6, spec.gateway6))
    return structs.replace(state, subnet6=str(subnet6), gateway6=gateway6)


def _subnet(spec: NetworkSpec, networks: Mapping[str, Network], survey: Survey) -> Block:
    if not spec.subnet:
        return choose_subnet([*survey.occupied(), *(network.subnet for network in networks.values())])
    subnet = parse_subnet(spec.subnet)
    check_wanted_subnet(subnet, survey.routes(), HOST_LINK_PREFIX)
    for name, network in networks.items():
        _require_apart(spec, subnet, name, network.subnet)
    return subnet


def _require_apart(spec: NetworkSpec, subnet: Block, other_name: str, other: Block) -> None:
    if subnet.overlaps(other):
        raise NetError(
            f"the subnet {subnet} of the network {spec.name} overlaps {other} of {other_name}",
            hint="give each network a subnet of its own",
        )
