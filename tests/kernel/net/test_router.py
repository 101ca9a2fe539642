"""Bridges, links, addresses and routes in real namespaces."""

import fcntl
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from net.errors import AddressError, NetError
from net.spec import Attachment, Endpoint, NetworkSpec
from net.survey import Survey
from tests.kernel.net.conftest import Lan, Namespaces, Stack, inside, listening, peer_seen, reaches

pytestmark = pytest.mark.root

NewStack = Callable[[str], Stack]


def link_names() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def attach(
    stack: Stack, namespaces: Namespaces, container_id: str, *networks: str
) -> tuple[int, tuple[Attachment, ...]]:
    attachments = stack.router.lease(container_id, [Endpoint(network=name) for name in networks])
    namespace_fd = namespaces.make()
    stack.router.attach(container_id, attachments, namespace_fd)
    return namespace_fd, attachments


def test_two_containers_on_one_network_reach_each_other_by_address(new_stack: NewStack, namespaces: Namespaces) -> None:
    stack = new_stack("one")
    state = stack.router.ensure_network(NetworkSpec(name="one_default"))
    assert (state.subnet, state.gateway, state.bridge) == ("172.16.0.0/22", "172.16.0.1", "br0")
    web, (web_eth0,) = attach(stack, namespaces, "aa" * 32, "one_default")
    db, (db_eth0,) = attach(stack, namespaces, "bb" * 32, "one_default")
    assert web_eth0 == Attachment(
        network="one_default",
        address="172.16.0.2",
        prefix_length=22,
        gateway="172.16.0.1",
        interface="eth0",
        mac_address="02:57:ac:10:00:02",
    )
    with inside(web):
        assert link_names() == {"lo", "eth0"}
        assert Path("/sys/class/net").is_dir()
    with listening(db, db_eth0.address, 5432) as server:
        assert peer_seen(server, web, db_eth0.address, 5432) == "172.16.0.2"
    with listening(db, "127.0.0.1", 5432) as server:
        assert peer_seen(server, db, "127.0.0.1", 5432) == "127.0.0.1"


def test_the_host_reaches_containers_and_they_reach_the_host(new_stack: NewStack, namespaces: Namespaces) -> None:
    stack = new_stack("one")
    stack.router.ensure_network(NetworkSpec(name="one_default"))
    web, (eth0,) = attach(stack, namespaces, "aa" * 32, "one_default")
    host = socket.socket()
    host.settimeout(2)
    with listening(web, eth0.address, 80) as server, host:
        host.connect((eth0.address, 80))
        accepted, (peer, _) = server.accept()
        accepted.close()
        assert peer == stack.router.host_address == "172.31.240.1"
    local = socket.create_server((stack.router.host_address, 9000))
    local.settimeout(2)
    with local:
        assert peer_seen(local, web, stack.router.host_address, 9000) == eth0.address


def test_a_container_on_two_networks_has_two_links_and_one_default_route(
    new_stack: NewStack, namespaces: Namespaces
) -> None:
    stack = new_stack("one")
    stack.router.ensure_network(NetworkSpec(name="one_back", internal=True))
    stack.router.ensure_network(NetworkSpec(name="one_front", subnet="172.20.0.0/24", gateway="172.20.0.254"))
    both, attachments = attach(stack, namespaces, "aa" * 32, "one_back", "one_front")
    assert [(one.interface, one.address) for one in attachments] == [("eth0", "172.16.0.2"), ("eth1", "172.20.0.1")]
    with inside(both):
        routes = [line.split()[:3] for line in Path("/proc/thread-self/net/route").read_text().splitlines()[1:]]
    assert routes == [
        ["eth1", "00000000", "FE0014AC"],
        ["eth0", "000010AC", "00000000"],
        ["eth1", "000014AC", "00000000"],
    ]


def test_a_container_on_internal_networks_alone_has_no_default_route(
    new_stack: NewStack, namespaces: Namespaces, lan: Lan
) -> None:
    stack = new_stack("one")
    stack.router.ensure_network(NetworkSpec(name="one_back", internal=True))
    inner, (eth0,) = attach(stack, namespaces, "aa" * 32, "one_back")
    with listening(lan.namespace_fd, lan.NEIGHBOUR, 80):
        assert not reaches(inner, lan.NEIGHBOUR, 80)
    with listening(inner, eth0.address, 80), pytest.raises(OSError, match="unreachable"):
        socket.create_connection((eth0.address, 80), timeout=0.3)


def test_a_container_without_networks_has_loopback_only(new_stack: NewStack, namespaces: Namespaces) -> None:
    stack = new_stack("one")
    alone, attachments = attach(stack, namespaces, "aa" * 32)
    assert attachments == ()
    with inside(alone):
        assert link_names() == {"lo"}
    with listening(alone, "127.0.0.1", 80) as server:
        assert peer_seen(server, alone, "127.0.0.1", 80) == "127.0.0.1"


def test_a_restarted_container_takes_its_links_over_from_the_namespace_before(
    new_stack: NewStack, namespaces: Namespaces
) -> None:
    stack = new_stack("one")
    stack.router.ensure_network(NetworkSpec(name="one_default"))
    _, (eth0,) = attach(stack, namespaces, "aa" * 32, "one_default")
    again, (same,) = attach(stack, namespaces, "aa" * 32, "one_default")
    assert same == eth0
    with listening(again, eth0.address, 80):
        socket.create_connection((eth0.address, 80), timeout=2).close()


def test_another_router_object_adopts_what_the_first_one_made(new_stack: NewStack, namespaces: Namespaces) -> None:
    stack = new_stack("one")
    made = stack.router.ensure_network(NetworkSpec(name="one_default"))
    web, (eth0,) = attach(stack, namespaces, "aa" * 32, "one_default")
    address = stack.router.host_address
    stack.router.close()
    stack.router = stack.open()
    assert stack.router.networks == {"one_default": made}
    assert stack.router.host_address == address
    assert stack.router.ensure_network(NetworkSpec(name="one_default")) == made
    (again,) = stack.router.lease("aa" * 32, [Endpoint(network="one_default")])
    assert again == eth0
    db, (db_eth0,) = attach(stack, namespaces, "bb" * 32, "one_default")
    assert db_eth0.address == "172.16.0.3"
    with listening(db, db_eth0.address, 80) as server:
        assert peer_seen(server, web, db_eth0.address, 80) == eth0.address


def test_reconcile_makes_a_removed_bridge_again_with_the_containers_on_it(
    new_stack: NewStack, namespaces: Namespaces
) -> None:
    stack = new_stack("one")
    state = stack.router.ensure_network(NetworkSpec(name="one_default"))
    web, (eth0,) = attach(stack, namespaces, "aa" * 32, "one_default")
    db, _ = attach(stack, namespaces, "bb" * 32, "one_default")
    remove_bridge(stack, state.bridge)
    stack.router.reconcile()
    with inside(stack.namespace_fd):
        assert state.bridge in link_names()
    with listening(web, eth0.address, 80) as server:
        socket.create_connection((eth0.address, 80), timeout=2).close()
        server.accept()[0].close()
        assert peer_seen(server, db, eth0.address, 80) == "172.16.0.3"


def test_a_container_that_is_attached_brings_a_removed_bridge_back(new_stack: NewStack, namespaces: Namespaces) -> None:
    stack = new_stack("one")
    state = stack.router.ensure_network(NetworkSpec(name="one_default"))
    web, (eth0,) = attach(stack, namespaces, "aa" * 32, "one_default")
    remove_bridge(stack, state.bridge)
    db, _ = attach(stack, namespaces, "bb" * 32, "one_default")
    with listening(web, eth0.address, 80) as server:
        assert peer_seen(server, db, eth0.address, 80) == "172.16.0.3"


def remove_bridge(stack: Stack, name: str) -> None:
    from net import links
    from net.rtnetlink import Rtnetlink

    with inside(stack.namespace_fd), Rtnetlink() as netlink:
        netlink.send([links.delete_link_named(name)])
        assert name not in link_names()


def test_an_uplink_whose_router_is_gone_is_replaced(new_stack: NewStack, namespaces: Namespaces) -> None:
    stack = new_stack("one")
    stack.router.ensure_network(NetworkSpec(name="one_default"))
    stack.router.close()
    stack.namespace_fd = namespaces.make()
    stack.router = stack.open()
    web, (eth0,) = attach(stack, namespaces, "aa" * 32, "one_default")
    with listening(web, eth0.address, 80):
        socket.create_connection((eth0.address, 80), timeout=2).close()


def test_stacks_choose_different_subnets_and_uplinks(new_stack: NewStack) -> None:
    one, two = new_stack("one"), new_stack("two")
    assert one.router.ensure_network(NetworkSpec(name="one_default")).subnet == "172.16.0.0/22"
    assert two.router.ensure_network(NetworkSpec(name="two_default")).subnet == "172.16.4.0/22"
    assert two.router.host_address == "172.31.240.5"
    with pytest.raises(AddressError, match="another stack"):
        two.router.ensure_network(NetworkSpec(name="two_more", subnet="172.16.1.0/24"))
    assert set(two.router.networks) == {"two_default"}


def test_a_network_with_leases_is_not_removed_and_one_without_leaves_nothing(new_stack: NewStack) -> None:
    stack = new_stack("one")
    before = Path("/proc/net/route").read_text()
    stack.router.ensure_network(NetworkSpec(name="one_default"))
    stack.router.lease("aa" * 32, [Endpoint(network="one_default")])
    with pytest.raises(NetError, match=r"containers are attached \(1\)"):
        stack.router.remove_network("one_default")
    stack.router.release("aa" * 32)
    stack.router.remove_network("one_default")
    stack.router.remove_network("one_default")
    assert list(stack.networks.iterdir()) == []
    assert Path("/proc/net/route").read_text() == before
    stack.router.sweep()
    with inside(stack.namespace_fd):
        assert link_names() == {"lo", "uplink"}


def test_the_bridge_of_a_removed_network_is_swept_by_whoever_takes_over(new_stack: NewStack) -> None:
    stack = new_stack("one")
    stack.router.ensure_network(NetworkSpec(name="one_default"))
    stack.router.remove_network("one_default")
    stack.router.close()
    stack.router = stack.open()
    with inside(stack.namespace_fd):
        assert link_names() == {"lo", "uplink"}


def test_remove_leaves_nothing_on_the_host(new_stack: NewStack) -> None:
    stack = new_stack("one")
    stack.router.ensure_network(NetworkSpec(name="one_default"))
    assert link_names() == {"lo", "windl" + stack.token}
    stack.router.remove()
    assert link_names() == {"lo"}
    assert Path("/proc/net/route").read_text().splitlines()[1:] == []


def test_whoever_chooses_addresses_keeps_all_other_installations_of_the_host_waiting(new_stack: NewStack) -> None:
    new_stack("one")
    survey, another = (Survey(Path("/proc/net/route"), Path("/etc/resolv.conf")) for _ in range(2))
    with survey.exclusive():
        namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(namespace, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(namespace)
    with another.exclusive():
        pass
