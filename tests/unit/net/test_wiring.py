"""Which links, addresses and routes a container gets."""

from pathlib import Path

import pytest

from net.networks import Network
from net.rtnetlink import Request
from net.spec import Attachment, NetworkSpec, NetworkState
from net.wiring import Wire, bridge_requests, far_requests, near_requests, route_requests, sysctls_of, wires_of


@pytest.fixture
def wires(tmp_path: Path) -> list[Wire]:
    """Links to an internal network, one that leads outside, and one with IPv6 that is preferred."""
    made = []
    for number, spec in enumerate(
        (
            NetworkSpec(name="inside", internal=True),
            NetworkSpec(name="out", isolated=True, mtu=1400),
            NetworkSpec(name="wide", ipv4=False, ipv6=True),
        )
    ):
        (tmp_path / spec.name).mkdir()
        state = NetworkState(
            spec=spec,
            subnet=f"10.{number}.0.0/24",
            gateway=f"10.{number}.0.1",
            bridge=f"br{number}",
            subnet6="fd00:5::/64" if spec.ipv6 else "",
            gateway6="fd00:5::1" if spec.ipv6 else "",
        )
        attachment = Attachment(
            network=spec.name,
            address=f"10.{number}.0.2",
            prefix_length=24,
            gateway=state.gateway,
            interface=f"eth{number}",
            mac_address=f"02:57:0a:0{number}:00:02",
            ipv4=spec.ipv4,
            address6="fd00:5::2" if spec.ipv6 else "",
            prefix_length6=64,
            gateway_priority=number,
            sysctls=("net.ipv4.conf.IFNAME.log_martians=1",) if number == 1 else (),
            link_local=("169.254.7.7",) if number == 1 else (),
        )
        made.append((attachment, Network(state, tmp_path / spec.name)))
    return wires_of("ab" * 32, made)


def attempts(requests: list[Request]) -> list[str]:
    return [request.attempt for request in requests]


def test_the_near_end_is_on_its_bridge_which_knows_where_it_is(wires: list[Wire]) -> None:
    assert attempts(near_requests(wires[1], 9)) == [
        "make the link eth1 for 10.1.0.2",
        "isolate the link of 10.1.0.2",
        "tell br1 where 10.1.0.2 is",
    ]
    assert attempts(near_requests(wires[2], 9)) == [
        "make the link eth2 for 10.2.0.2",
        "tell br2 where 10.2.0.2 is",
        "tell br2 where fd00:5::2 is",
    ]


def test_the_far_end_has_the_addresses_of_the_networks_kinds(wires: list[Wire]) -> None:
    assert attempts(far_requests(wires[1])) == [
        "give eth1 the address 10.1.0.2/24",
        "give eth1 the address 169.254.7.7/16",
        "switch eth1 on",
        "tell eth1 where 10.1.0.1 is",
    ]
    assert attempts(far_requests(wires[2])) == [
        "give eth2 the address fd00:5::2/64",
        "switch eth2 on",
        "tell eth2 where fd00:5::1 is",
    ]


def test_each_kind_of_addresses_has_a_default_route_of_its_own(wires: list[Wire]) -> None:
    assert attempts(route_requests(wires)) == [
        "make 10.1.0.1 the default gateway",
        "make fd00:5::1 the default gateway",
    ]
    assert route_requests(wires[:1]) == []


def test_a_bridge_without_ipv4_has_no_address_of_it(wires: list[Wire]) -> None:
    assert attempts(bridge_requests(wires[2].network)) == ["make the bridge br2"]


def test_settings_of_links_are_those_of_the_links_name(wires: list[Wire]) -> None:
    assert sysctls_of(wires) == [("net/ipv4/conf/eth1/log_martians", "1")]
