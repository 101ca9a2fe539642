"""Host ports led to containers, held and let go."""

import socket
from pathlib import Path

import pytest

from net import links
from net.addresses import parse_address, parse_block
from net.errors import PortError
from net.rtnetlink import Rtnetlink
from net.spec import PublishedPort
from tests.kernel.net.conftest import (
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


def answers_datagrams(server: socket.socket, client_fd: int, address: str, port: int) -> bool:
    with inside(client_fd):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.settimeout(0.5)
    with client:
        client.connect((address, port))
        client.send(b"ping")
        try:
            _, peer = server.recvfrom(16)
            server.sendto(b"pong", peer)
            return client.recv(16) == b"pong"
        except OSError:
            return False


def test_a_published_tcp_port_is_reached_from_the_lan_with_the_clients_own_address(
    new_stack: NewStack, namespaces: Namespaces, lan: Lan
) -> None:
    web = stack_with_web(new_stack, namespaces)
    assert web.publish(PublishedPort(container_port=80, host_port=8080)) == (
        PublishedPort(container_port=80, host_port=8080),
    )
    with listening(web.namespace_fd, "0.0.0.0", 80) as server:
        assert peer_seen(server, lan.namespace_fd, lan.HOST, 8080) == lan.NEIGHBOUR


def test_a_published_tcp_port_is_reached_from_the_host_by_every_address(
    new_stack: NewStack, namespaces: Namespaces, host: int, lan: Lan
) -> None:
    web = stack_with_web(new_stack, namespaces)
    web.publish(PublishedPort(container_port=80, host_port=8080))
    with listening(web.namespace_fd, "0.0.0.0", 80) as server:
        assert peer_seen(server, host, "127.0.0.1", 8080) == web.stack.router.host_address
        assert peer_seen(server, host, lan.HOST, 8080) == lan.HOST


def test_a_published_udp_port_is_reached_from_host_loopback_and_lan(
    new_stack: NewStack, namespaces: Namespaces, host: int, lan: Lan
) -> None:
    web = stack_with_web(new_stack, namespaces)
    web.publish(PublishedPort(container_port=53, host_port=5353, protocol="udp"))
    with listening(web.namespace_fd, "0.0.0.0", 53, socket.SOCK_DGRAM) as server:
        assert answers_datagrams(server, host, "127.0.0.1", 5353)
        assert answers_datagrams(server, host, lan.HOST, 5353)
        assert answers_datagrams(server, lan.namespace_fd, lan.HOST, 5353)


def test_a_port_published_on_loopback_is_reached_from_the_host_alone(
    new_stack: NewStack, namespaces: Namespaces, host: int, lan: Lan
) -> None:
    web = stack_with_web(new_stack, namespaces)
    web.publish(PublishedPort(container_port=80, host_port=8080, host_ip="127.0.0.1"))
    with listening(web.namespace_fd, "0.0.0.0", 80) as server:
        assert peer_seen(server, host, "127.0.0.1", 8080) == web.stack.router.host_address
        assert not reaches(host, lan.HOST, 8080)
        assert not reaches(lan.namespace_fd, lan.HOST, 8080)
        with inside(lan.namespace_fd), Rtnetlink() as netlink:  # a packet to 127.0.0.1 on the wire
            Path("/proc/sys/net/ipv4/conf/eth0/route_localnet").write_text("1")
            netlink.send(
                [links.new_route(parse_block("127.0.0.1/32"), parse_address(lan.HOST), _index("eth0"), adopt=True)]
            )
        assert not reaches(lan.namespace_fd, "127.0.0.1", 8080)


def _index(name: str) -> int:
    return socket.if_nametoindex(name)


def test_a_free_host_port_is_chosen_when_none_is_given(new_stack: NewStack, namespaces: Namespaces, host: int) -> None:
    web = stack_with_web(new_stack, namespaces)
    wish = PublishedPort(container_port=80)
    (port,) = web.publish(wish)
    assert port.host_port > 0
    assert web.publish(wish) == web.publish(port) == (port,)
    with listening(web.namespace_fd, "0.0.0.0", 80):
        assert reaches(host, "127.0.0.1", port.host_port)


def test_a_withdrawn_port_is_refused_and_free_again(new_stack: NewStack, namespaces: Namespaces, host: int) -> None:
    web = stack_with_web(new_stack, namespaces)
    port = PublishedPort(container_port=80, host_port=8080)
    for _ in range(2):
        web.publish(port)
        with listening(web.namespace_fd, "0.0.0.0", 80):
            assert reaches(host, "127.0.0.1", 8080)
            web.stack.router.withdraw(WEB)
            web.stack.router.withdraw(WEB)
            assert not reaches(host, "127.0.0.1", 8080)
    socket.create_server(("127.0.0.1", 8080)).close()
    assert not (web.stack.networks / ".published").exists()


def test_a_client_that_never_pauses_notices_that_a_udp_port_leads_elsewhere(
    new_stack: NewStack, namespaces: Namespaces, lan: Lan
) -> None:
    web = stack_with_web(new_stack, namespaces)
    db = Container(web.stack, namespaces, DB, "one_default")
    port = PublishedPort(container_port=53, host_port=5353, protocol="udp")
    with inside(lan.namespace_fd):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(0.5)
    with client:
        client.sendto(b"ping", (lan.HOST, 5353))  # nothing is published yet
        for container in (web, db):
            container.publish(port)
            with listening(container.namespace_fd, "0.0.0.0", 53, socket.SOCK_DGRAM) as server:
                client.sendto(b"ping", (lan.HOST, 5353))
                assert server.recv(16) == b"ping"
            web.stack.router.withdraw(container.id)


def test_a_port_held_by_a_program_names_it_and_suggests_a_free_one(new_stack: NewStack, namespaces: Namespaces) -> None:
    web = stack_with_web(new_stack, namespaces)
    with socket.create_server(("127.0.0.1", 8080)), pytest.raises(PortError) as caught:
        web.publish(PublishedPort(container_port=79, host_port=8079), PublishedPort(container_port=80, host_port=8080))
    name = Path("/proc/self/comm").read_text().strip()
    assert caught.value.message.startswith(f"cannot publish 0.0.0.0:8080/tcp: the port is taken by {name} (pid ")
    assert caught.value.hint == "stop it, or publish another port: 8081 is free"
    socket.create_server(("127.0.0.1", 8079)).close()  # nothing of the other port is left held


def test_a_port_held_by_another_stack_names_the_stack(new_stack: NewStack, namespaces: Namespaces) -> None:
    web = stack_with_web(new_stack, namespaces, "one")
    other = stack_with_web(new_stack, namespaces, "two")
    for protocol in ("tcp", "udp"):
        port = PublishedPort(container_port=80, host_port=8080, protocol=protocol)
        web.publish(port)
        with pytest.raises(PortError, match=r"taken by the container web-1 of the stack one"):
            other.publish(port)
        web.stack.router.withdraw(WEB)


def test_a_program_that_wants_a_published_port_is_told_that_it_is_taken(
    new_stack: NewStack, namespaces: Namespaces
) -> None:
    web = stack_with_web(new_stack, namespaces)
    web.publish(
        PublishedPort(container_port=80, host_port=8080),
        PublishedPort(container_port=53, host_port=5353, protocol="udp"),
    )
    with pytest.raises(OSError, match="in use"):
        socket.create_server(("127.0.0.1", 8080))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram, pytest.raises(OSError, match="in use"):
        datagram.bind(("127.0.0.1", 5353))


def test_an_address_that_the_host_does_not_have_is_a_port_error(new_stack: NewStack, namespaces: Namespaces) -> None:
    web = stack_with_web(new_stack, namespaces)
    with pytest.raises(PortError, match=r"the host has no address 192\.0\.2\.200"):
        web.publish(PublishedPort(container_port=80, host_port=8080, host_ip="192.0.2.200"))
    with pytest.raises(PortError, match="the container has no IPv6 address"):
        web.publish(PublishedPort(container_port=80, host_port=8080, host_ip="::"))


def test_published_ports_outlive_their_router_object_and_are_held_again(
    new_stack: NewStack, namespaces: Namespaces, host: int
) -> None:
    web = stack_with_web(new_stack, namespaces)
    (chosen,) = web.publish(PublishedPort(container_port=80))
    web.stack.router.close()
    with listening(web.namespace_fd, "0.0.0.0", 80):
        assert reaches(host, "127.0.0.1", chosen.host_port)
        web.stack.router = web.stack.open()
        assert web.stack.router.reconcile() == ()
        assert reaches(host, "127.0.0.1", chosen.host_port)
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", chosen.host_port))
        assert web.publish(PublishedPort(container_port=80)) == (chosen,)


def test_a_port_taken_while_nobody_held_it_is_reported(new_stack: NewStack, namespaces: Namespaces) -> None:
    web = stack_with_web(new_stack, namespaces)
    web.publish(PublishedPort(container_port=80, host_port=8080))
    web.stack.router.close()
    with socket.create_server(("127.0.0.1", 8080)):
        web.stack.router = web.stack.open()
        (problem,) = web.stack.router.reconcile()
    assert problem.message.startswith("cannot publish 0.0.0.0:8080/tcp: the port is taken by ")


def test_containers_of_a_group_share_a_port_in_turn_and_connections_stay_where_they_are(
    new_stack: NewStack, namespaces: Namespaces, host: int
) -> None:
    one = stack_with_web(new_stack, namespaces)
    two = Container(one.stack, namespaces, DB, "one_default")
    port = PublishedPort(container_port=80, host_port=8080)
    one.publish(port, group="web")
    with pytest.raises(PortError, match="the port is taken by the container web-1 of this stack"):
        two.publish(port, group="other")
    with listening(one.namespace_fd, "0.0.0.0", 80) as first, listening(two.namespace_fd, "0.0.0.0", 80) as second:
        two.publish(port, group="web")
        with socket.create_connection(("127.0.0.1", 8080), timeout=2) as old:
            others = [peer_seen(server, host, "127.0.0.1", 8080) for server in (second,)]
            assert others == [one.stack.router.host_address]
            accepted, _ = first.accept()
            one.stack.router.withdraw(one.id)
            for _ in range(3):
                peer_seen(second, host, "127.0.0.1", 8080)
            with accepted:
                accepted.sendall(b"still here")
                assert old.recv(16) == b"still here"
        one.publish(port, group="web")
        two.stack.router.withdraw(two.id)
        peer_seen(first, host, "127.0.0.1", 8080)


def test_shared_ports_are_held_again_by_each_of_those_who_share_them(
    new_stack: NewStack, namespaces: Namespaces, host: int
) -> None:
    one = stack_with_web(new_stack, namespaces)
    two = Container(one.stack, namespaces, DB, "one_default")
    port = PublishedPort(container_port=80, host_port=8080)
    for container in (one, two):
        container.publish(port, group="web")
    one.stack.router.close()
    router = one.stack.router = one.stack.open()
    assert router.reconcile() == ()
    router.withdraw(one.id)
    with pytest.raises(OSError, match="in use"), socket.socket() as other:
        other.bind(("0.0.0.0", 8080))
    with listening(two.namespace_fd, "0.0.0.0", 80) as second:
        peer_seen(second, host, "127.0.0.1", 8080)
    router.withdraw(two.id)
    with socket.socket() as other:
        other.bind(("0.0.0.0", 8080))
