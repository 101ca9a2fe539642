"""Who reaches whom: published ports, isolation and masquerading in real namespaces."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from net import links
from net.addresses import parse_address, parse_block
from net.errors import PortError
from net.nftables import Nftables
from net.router import remove_host_side
from net.rtnetlink import Rtnetlink
from net.spec import Attachment, Endpoint, NetworkSpec, PublishedPort
from tests.kernel.net.conftest import Lan, Namespaces, Stack, inside, listening, peer_seen, reaches

pytestmark = pytest.mark.root

NewStack = Callable[[str], Stack]
WEB, DB, CLIENT = "aa" * 32, "bb" * 32, "cc" * 32


class Container:
    """A container's namespace with its addresses, and the ports that it publishes."""

    def __init__(self, stack: Stack, namespaces: Namespaces, container_id: str, *networks: str) -> None:
        self.stack = stack
        self.id = container_id
        self.attachments: tuple[Attachment, ...] = stack.router.lease(
            container_id, [Endpoint(network=name) for name in networks]
        )
        self.namespace_fd = namespaces.make()
        stack.router.attach(container_id, self.attachments, self.namespace_fd)
        self.address = self.attachments[0].address

    def publish(self, *ports: PublishedPort) -> tuple[PublishedPort, ...]:
        return self.stack.router.publish(self.id, self.attachments, ports)


def stack_with_web(new_stack: NewStack, namespaces: Namespaces, name: str = "one") -> Container:
    stack = new_stack(name)
    stack.router.ensure_network(NetworkSpec(name=f"{name}_default"))
    return Container(stack, namespaces, WEB, f"{name}_default")


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
        with pytest.raises(PortError, match=r"taken by the stack one \(container aaaaaaaaaaaa\)"):
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
    with pytest.raises(PortError, match="not an IPv4 address"):
        web.publish(PublishedPort(container_port=80, host_port=8080, host_ip="::1"))


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


@pytest.mark.parametrize("healing", ["publish", "withdraw", "reconcile"])
def test_rules_that_somebody_flushed_are_put_back(
    new_stack: NewStack, namespaces: Namespaces, host: int, healing: str
) -> None:
    web = stack_with_web(new_stack, namespaces)
    db = Container(web.stack, namespaces, DB, "one_default")
    web.publish(PublishedPort(container_port=80, host_port=8080))
    db.publish(PublishedPort(container_port=80, host_port=8082))
    nft = Nftables()
    nft.apply("flush ruleset")
    nft.close()
    with listening(web.namespace_fd, "0.0.0.0", 80):
        assert not reaches(host, "127.0.0.1", 8080)
        if healing == "publish":
            db.publish(PublishedPort(container_port=81, host_port=8081))
        elif healing == "withdraw":
            web.stack.router.withdraw(DB)
        else:
            web.stack.router.reconcile()
        assert reaches(host, "127.0.0.1", 8080)


def test_a_guarded_router_puts_flushed_rules_back_by_itself(
    new_stack: NewStack, namespaces: Namespaces, host: int
) -> None:
    web = stack_with_web(new_stack, namespaces)
    web.publish(PublishedPort(container_port=80, host_port=8080))
    loop = HandLoop()
    web.stack.router.guard(loop)
    web.stack.router.ensure_network(NetworkSpec(name="one_more"))  # replaces the table itself
    loop.turn()
    assert loop.timers == []
    nft = Nftables()
    nft.apply("flush ruleset")
    nft.close()
    loop.turn()
    assert tables() == set()
    (timer,) = loop.timers
    timer()
    assert tables() == {"windlass-one-00000142"}
    with listening(web.namespace_fd, "0.0.0.0", 80):
        assert reaches(host, "127.0.0.1", 8080)
    web.stack.router.remove()
    assert (loop.readers, tables()) == ({}, set())


class HandLoop:
    """A loop that is turned by hand; timers wait to be called."""

    def __init__(self) -> None:
        self.readers: dict[int, Callable[[], None]] = {}
        self.timers: list[Callable[[], None]] = []

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        self.readers[fd] = callback

    def remove_reader(self, fd: int) -> None:
        del self.readers[fd]

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        assert seconds <= 1
        self.timers.append(callback)
        return lambda: self.timers.remove(callback)

    def turn(self) -> None:
        for callback in list(self.readers.values()):
            callback()


def test_remove_takes_table_and_uplink_away_and_leaves_other_tables_alone(
    new_stack: NewStack, namespaces: Namespaces
) -> None:
    nft = Nftables()
    nft.apply("add table ip somebody-elses")
    web = stack_with_web(new_stack, namespaces)
    web.publish(PublishedPort(container_port=80, host_port=8080))
    assert tables() == {"somebody-elses", "windlass-one-00000142"}
    web.stack.router.remove()
    assert tables() == {"somebody-elses"}
    assert {name for _, name in socket.if_nameindex()} == {"lo"}
    nft.close()


def test_the_hosts_side_can_be_removed_without_a_router(new_stack: NewStack, namespaces: Namespaces) -> None:
    web = stack_with_web(new_stack, namespaces)
    stack = web.stack
    stack.router.close()
    remove_host_side(token=stack.token, label=stack.label)
    remove_host_side(token=stack.token, label=stack.label)
    assert tables() == set()
    assert {name for _, name in socket.if_nameindex()} == {"lo"}


def tables() -> set[str]:
    """Name the tables of the namespace that the test is in."""
    import shutil
    import subprocess

    nft = shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert nft is not None
    listing = subprocess.run([nft, "list", "tables"], capture_output=True, text=True, check=True).stdout
    return {line.split()[2] for line in listing.splitlines()}
