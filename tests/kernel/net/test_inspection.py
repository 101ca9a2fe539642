"""What a check-up finds in a host's network."""

import socket
from collections.abc import Callable

import pytest

from net import links
from net.addresses import parse_address, parse_block
from net.errors import NetlinkError
from net.inspection import Overlap, leftover_links, leftover_tables, overlapping_routes
from net.rtnetlink import Rtnetlink
from net.spec import NetworkSpec
from tests.kernel.net.conftest import Lan, Stack

pytestmark = pytest.mark.root


def test_uplinks_and_tables_without_a_living_stack_are_leftovers(new_stack: Callable[[str], Stack]) -> None:
    one, two = new_stack("one"), new_stack("two")
    for stack, name in ((one, "one_default"), (two, "two_default")):
        stack.router.ensure_network(NetworkSpec(name=name))
    assert leftover_links({one.token, two.token}) == leftover_tables({one.token, two.token}) == ()
    assert leftover_links({one.token}) == (f"windl{two.token}",)
    assert leftover_tables({one.token}) == (f"windlass-two-{two.token}",)


def test_a_route_that_came_later_and_covers_a_network_is_an_overlap(
    new_stack: Callable[[str], Stack], lan: Lan
) -> None:
    state = new_stack("one").router.ensure_network(NetworkSpec(name="one_default"))
    assert overlapping_routes([state.subnet]) == ()
    with Rtnetlink() as netlink:
        eth0 = socket.if_nametoindex("eth0")
        for text in ("172.16.2.0/24", "172.16.0.0/12"):
            netlink.send([links.new_route(parse_block(text), parse_address(lan.NEIGHBOUR), eth0, adopt=False)])
    assert overlapping_routes([state.subnet]) == (Overlap("172.16.0.0/22", "172.16.2.0/24", "eth0"),)


def test_a_refused_change_tells_what_was_attempted_and_why(host: int) -> None:
    del host
    with Rtnetlink() as netlink, pytest.raises(NetlinkError) as caught:
        netlink.send(
            [
                links.new_address(4711, parse_address("10.0.0.1"), 24, "eth9"),
                links.link_up(links.LOOPBACK_INDEX, "lo"),
            ]
        )
    assert caught.value.message == "cannot give eth9 the address 10.0.0.1/24: No such device (ipv4: Device not found)"
    assert caught.value.errno == 19
