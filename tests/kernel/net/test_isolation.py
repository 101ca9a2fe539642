"""Who reaches whom across networks, stacks and the local network."""

import socket

import pytest

from net import links
from net.addresses import parse_address, parse_block
from net.rtnetlink import Rtnetlink
from net.spec import NetworkSpec, PublishedPort
from tests.kernel.net.conftest import (
    CLIENT,
    DB,
    WEB,
    Container,
    Lan,
    Namespaces,
    NewStack,
    inside,
    listening,
    peer_seen,
    reaches,
    stack_with_web,
)

pytestmark = pytest.mark.root


def test_neighbours_on_the_lan_reach_no_container_and_no_router_by_address(
    new_stack: NewStack, namespaces: Namespaces, host: int, lan: Lan
) -> None:
    web = stack_with_web(new_stack, namespaces)
    web.publish(PublishedPort(container_port=80, host_port=8080))
    lan.route_everything_through_the_host()
    with (
        listening(web.namespace_fd, "0.0.0.0", 80),
        listening(web.stack.namespace_fd, "0.0.0.0", 80),
        listening(host, web.stack.router.host_address, 81),
    ):
        assert reaches(lan.namespace_fd, lan.HOST, 8080)
        assert reaches(host, web.address, 80)
        assert not reaches(lan.namespace_fd, web.address, 80)
        assert not reaches(lan.namespace_fd, "172.16.0.1", 80)
        assert not reaches(lan.namespace_fd, "172.31.240.2", 80)
        assert not reaches(lan.namespace_fd, web.stack.router.host_address, 81)


def test_what_containers_ask_outside_comes_from_the_hosts_address(
    new_stack: NewStack, namespaces: Namespaces, lan: Lan
) -> None:
    web = stack_with_web(new_stack, namespaces)
    with listening(lan.namespace_fd, lan.NEIGHBOUR, 80) as server:
        assert peer_seen(server, web.namespace_fd, lan.NEIGHBOUR, 80) == lan.HOST


def test_networks_of_one_stack_are_apart(new_stack: NewStack, namespaces: Namespaces) -> None:
    stack = new_stack("one")
    stack.router.ensure_network(NetworkSpec(name="one_front"))
    stack.router.ensure_network(NetworkSpec(name="one_back"))
    web = Container(stack, namespaces, WEB, "one_front")
    db = Container(stack, namespaces, DB, "one_back")
    both = Container(stack, namespaces, CLIENT, "one_front", "one_back")
    with listening(db.namespace_fd, "0.0.0.0", 80):
        assert not reaches(web.namespace_fd, db.address, 80)
        assert reaches(both.namespace_fd, db.address, 80)
    with listening(web.namespace_fd, "0.0.0.0", 80):
        assert not reaches(db.namespace_fd, web.address, 80)


def test_stacks_are_apart_except_for_published_ports(new_stack: NewStack, namespaces: Namespaces, lan: Lan) -> None:
    web = stack_with_web(new_stack, namespaces, "one")
    other = stack_with_web(new_stack, namespaces, "two")
    web.publish(PublishedPort(container_port=80, host_port=8080))
    with listening(web.namespace_fd, "0.0.0.0", 80):
        assert not reaches(other.namespace_fd, web.address, 80)
        assert not reaches(other.namespace_fd, "172.16.0.1", 80)
        assert reaches(other.namespace_fd, lan.HOST, 8080)
    with listening(other.namespace_fd, "0.0.0.0", 80):
        assert not reaches(web.namespace_fd, other.address, 80)


def test_a_container_reaches_a_port_of_its_own_stack_through_the_hosts_address(
    new_stack: NewStack, namespaces: Namespaces, lan: Lan
) -> None:
    web = stack_with_web(new_stack, namespaces)
    client = Container(web.stack, namespaces, CLIENT, "one_default")
    web.publish(PublishedPort(container_port=80, host_port=8080))
    with listening(web.namespace_fd, "0.0.0.0", 80) as server:
        assert peer_seen(server, client.namespace_fd, lan.HOST, 8080) == web.stack.router.host_address
        assert peer_seen(server, web.namespace_fd, lan.HOST, 8080) == web.stack.router.host_address
        assert reaches(client.namespace_fd, web.stack.router.host_address, 8080)


def test_internal_networks_have_no_way_out_and_no_way_in(
    new_stack: NewStack, namespaces: Namespaces, host: int, lan: Lan
) -> None:
    stack = new_stack("one")
    stack.router.ensure_network(NetworkSpec(name="one_back", internal=True))
    stack.router.ensure_network(NetworkSpec(name="one_front"))
    db = Container(stack, namespaces, DB, "one_back")
    both = Container(stack, namespaces, WEB, "one_back", "one_front")
    assert db.publish(PublishedPort(container_port=80, host_port=8081)) == ()
    both.publish(PublishedPort(container_port=80, host_port=8080))
    with inside(db.namespace_fd), Rtnetlink() as netlink:  # a container that gives itself a default route
        netlink.send([links.default_route(parse_address(db.attachments[0].gateway))])
    with listening(lan.namespace_fd, lan.NEIGHBOUR, 80):
        assert not reaches(db.namespace_fd, lan.NEIGHBOUR, 80)
        assert not reaches(db.namespace_fd, stack.router.host_address, 8080)
        assert reaches(both.namespace_fd, lan.NEIGHBOUR, 80)
    with listening(both.namespace_fd, "0.0.0.0", 80):
        assert reaches(db.namespace_fd, both.address, 80)
        assert reaches(host, "127.0.0.1", 8080)
        assert not reaches(host, "127.0.0.1", 8081)
    with listening(db.namespace_fd, "0.0.0.0", 80):
        with inside(host), Rtnetlink() as netlink:  # even with a route of the host's own making
            route = links.new_route(parse_block("172.16.0.0/22"), parse_address("172.31.240.2"), 0, adopt=False)
            netlink.send([route])
        assert not reaches(host, db.address, 80)


def test_a_container_cannot_speak_in_anothers_name(new_stack: NewStack, namespaces: Namespaces, lan: Lan) -> None:
    web = stack_with_web(new_stack, namespaces)
    with inside(web.namespace_fd), Rtnetlink() as netlink:
        netlink.send([links.new_address(links.LOOPBACK_INDEX, parse_address("192.0.2.77"), 32, "lo")])
        liar = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        liar.bind(("192.0.2.77", 0))
    with listening(lan.namespace_fd, lan.NEIGHBOUR, 9, socket.SOCK_DGRAM) as server, liar:
        liar.sendto(b"lie", (lan.NEIGHBOUR, 9))
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.recv(16)
