"""What subnets and addresses are chosen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net.addresses import (
    Block,
    Route,
    check_wanted_subnet,
    choose_address,
    choose_gateway,
    choose_subnet,
    choose_uplink,
    format_address,
    mac_address,
    parse_address,
    parse_block,
    parse_nameservers,
    parse_routes,
    parse_subnet,
)
from net.errors import AddressError

ROUTES = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
tun0	00000000	0100080A	0003	0	0	0	00000080	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
windl01234567	000010AC	02F01FAC	0003	0	0	0	00FCFFFF	0	0	0
"""


def test_routes_are_read_without_the_default_and_its_halves() -> None:
    assert parse_routes(ROUTES) == (
        Route(parse_block("192.0.2.0/24"), "eth0"),
        Route(parse_block("172.16.0.0/22"), "windl01234567"),
    )


def test_the_first_network_gets_the_first_block_of_the_pool() -> None:
    assert str(choose_subnet([])) == "172.16.0.0/22"


def test_a_subnet_overlaps_nothing_that_is_occupied() -> None:
    occupied = [parse_block(text) for text in ("172.16.0.0/22", "172.16.5.0/24", "172.16.8.53/32")]
    assert str(choose_subnet(occupied)) == "172.16.12.0/22"


def test_a_covered_pool_is_left_for_the_next_one() -> None:
    assert str(choose_subnet([parse_block("172.0.0.0/8")])) == "10.128.0.0/22"
    assert str(choose_subnet([parse_block("172.16.0.0/12"), parse_block("10.0.0.0/8")])) == "192.168.0.0/22"


def test_when_every_pool_is_covered_the_error_says_what_to_do() -> None:
    occupied = [parse_block(text) for text in ("172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16")]
    with pytest.raises(AddressError, match="no free subnet for a network is left") as caught:
        choose_subnet(occupied)
    assert "ipam.config.subnet" in caught.value.hint


def test_uplinks_come_from_pools_that_networks_fill_last() -> None:
    assert str(choose_uplink([])) == "172.31.240.0/30"
    assert str(choose_uplink([parse_block("172.31.240.0/30")])) == "172.31.240.4/30"
    assert str(choose_uplink([parse_block("172.16.0.0/12"), parse_block("10.0.0.0/8")])) == "169.254.64.0/30"


def test_addresses_are_the_lowest_free_ones() -> None:
    subnet = parse_block("10.0.0.0/29")
    assert format_address(choose_address(subnet, set())) == "10.0.0.1"
    assert format_address(choose_address(subnet, {subnet.first + 1, subnet.first + 2})) == "10.0.0.3"


def test_a_full_subnet_has_no_address_left() -> None:
    with pytest.raises(AddressError, match=r"no address is left in 10\.0\.0\.0/30"):
        choose_address(parse_block("10.0.0.0/30"), {parse_address("10.0.0.1"), parse_address("10.0.0.2")})


@pytest.mark.parametrize("wanted", ["10.0.0.0", "10.0.0.7", "10.0.1.1"])
def test_a_wanted_address_must_be_one_of_the_subnets_hosts(wanted: str) -> None:
    with pytest.raises(AddressError, match="is not in the subnet"):
        choose_address(parse_block("10.0.0.0/29"), set(), parse_address(wanted))


def test_the_gateway_is_the_first_address_unless_another_is_wanted() -> None:
    subnet = parse_block("172.20.0.0/24")
    assert format_address(choose_gateway(subnet, "")) == "172.20.0.1"
    assert format_address(choose_gateway(subnet, "172.20.0.254")) == "172.20.0.254"
    with pytest.raises(AddressError):
        choose_gateway(subnet, "172.20.1.1")


def test_a_wanted_subnet_may_lie_inside_a_wider_route_of_the_host() -> None:
    check_wanted_subnet(parse_block("10.5.0.0/16"), [Route(parse_block("10.0.0.0/8"), "tun0")], "windl")


def test_a_wanted_subnet_may_not_swallow_the_hosts_network() -> None:
    with pytest.raises(AddressError, match="which the host reaches through eth0"):
        check_wanted_subnet(parse_block("10.0.0.0/8"), [Route(parse_block("10.1.0.0/16"), "eth0")], "windl")


def test_a_wanted_subnet_may_not_lie_inside_another_stacks_network() -> None:
    with pytest.raises(AddressError, match="a network of another stack"):
        check_wanted_subnet(parse_block("172.20.5.0/24"), [Route(parse_block("172.20.0.0/16"), "windl0")], "windl")


@pytest.mark.parametrize(
    "text", ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.x", "1.2.3.-4", "\u0661.2.3.4"]
)
def test_text_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)


@pytest.mark.parametrize("text", ["10.0.0.0", "10.0.0.0/33", "10.0.0.1/24", "10.0.0.0/x", "/8", "fd00::/64"])
def test_text_that_is_no_subnet_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_block(text)


@pytest.mark.parametrize("text", ["10.0.0.0/31", "10.0.0.0/32", "0.0.0.0/0"])
def test_a_subnet_must_hold_a_gateway_and_a_container(text: str) -> None:
    with pytest.raises(AddressError):
        parse_subnet(text)


@given(st.integers(0, 0xFFFFFFFF))
def test_addresses_survive_being_written_and_read(address: int) -> None:
    assert parse_address(format_address(address)) == address


def test_blocks_know_their_addresses() -> None:
    block = parse_block("10.0.0.8/30")
    assert (format_address(block.first), format_address(block.last)) == ("10.0.0.8", "10.0.0.11")
    assert parse_address("10.0.0.11") in block
    assert parse_address("10.0.0.12") not in block
    assert block.overlaps(Block(parse_address("10.0.0.0"), 24))


def test_hardware_addresses_follow_from_addresses() -> None:
    assert mac_address(parse_address("172.16.0.2")).hex(":") == "02:57:ac:10:00:02"


def test_only_ipv4_nameservers_are_of_interest() -> None:
    text = "# comment\nsearch example.com\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\nnameserver nonsense\n"
    assert parse_nameservers(text) == (parse_address("10.0.0.53"),)
