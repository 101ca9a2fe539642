"""Rules that somebody removed, and rules that are removed."""

import socket
from collections.abc import Callable

import pytest

from net.nftables import Nftables
from net.routerless import remove_host_side
from net.spec import NetworkSpec, PublishedPort
from tests.kernel.net.conftest import (
    DB,
    Container,
    Namespaces,
    NewStack,
    listening,
    reaches,
    stack_with_web,
)

pytestmark = pytest.mark.root


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
