"""The bytes that ask for links, addresses and routes."""

from net import links
from net.addresses import parse_address, parse_block
from net.rtnetlink import RTM_NEWADDR, attribute


def test_attributes_are_padded_to_four_bytes() -> None:
    assert attribute(3, b"br0\0") == bytes.fromhex("0800 0300") + b"br0\0"
    assert attribute(3, b"lo\0") == bytes.fromhex("0700 0300") + b"lo\0\0"


def test_an_address_request_names_link_address_and_broadcast() -> None:
    request = links.new_address(16, parse_address("172.16.0.2"), 22, "eth0")
    assert request.kind == RTM_NEWADDR
    assert request.attempt == "give eth0 the address 172.16.0.2/22"
    assert request.body == bytes.fromhex("02160000 10000000 08000100 ac100002 08000200 ac100002 08000400 ac1003ff")


def test_the_default_route_has_no_destination() -> None:
    request = links.default_route(parse_address("172.16.0.1"))
    assert request.body == bytes.fromhex("02000000 fe040001 00000000 08000500 ac100001")


def test_a_route_to_a_network_leads_through_the_uplink() -> None:
    request = links.new_route(parse_block("172.16.0.0/22"), parse_address("172.31.240.2"), 7, adopt=False)
    assert request.body == bytes.fromhex(
        "02160000 fe040001 00000000 08000100 ac100000 08000500 ac1ff002 08000400 07000000"
    )
    assert request.tolerated == ()


def test_a_links_index_in_the_router_is_its_address_without_the_top_bit() -> None:
    assert links.router_index(parse_address("172.16.0.1")) == 0x2C100001
    assert links.router_index(parse_address("10.128.0.1")) == 0x0A800001


def test_a_neighbour_is_told_for_good_with_the_hardware_address_that_follows() -> None:
    request = links.new_neighbour(16, parse_address("172.16.0.1"), "eth0")
    assert request.body == bytes.fromhex("02000000 10000000 8000 00 00 08000100 ac100001 0a000200 0257ac100001 0000")
    assert request.attempt == "tell eth0 where 172.16.0.1 is"
