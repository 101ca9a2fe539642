"""Host ports held by sockets, recorded on disk (loopback only)."""

import socket
from pathlib import Path

import msgspec.structs
import pytest

from net.errors import PortError
from net.portmaps import Published
from net.publishing import Publication, Publications, why_taken
from net.spec import PublishedPort
from tests.ports import free_port

WEB, DB = "aa" * 32, "bb" * 32


def loopback(host_port: int) -> PublishedPort:
    return PublishedPort(container_port=80, host_port=host_port, host_ip="127.0.0.1")


def test_what_is_published_is_on_disk_until_it_is_dropped(tmp_path: Path) -> None:
    directory = tmp_path / "shop" / "networks" / ".published"
    directory.parent.mkdir(parents=True)
    publications = Publications(directory, tmp_path)
    made = publications.add(WEB, "web-1", ("172.16.0.2", ""), (loopback(0),))
    assert Publications(directory, tmp_path).find(WEB) == made
    publications.drop(WEB)
    publications.drop(WEB)
    assert not directory.exists()


def test_a_port_held_by_another_stack_is_refused_by_its_name(tmp_path: Path) -> None:
    one, two = (tmp_path / name / "networks" / ".published" for name in ("one", "two"))
    for directory in (one, two):
        directory.parent.mkdir(parents=True)
    first, second = Publications(one, tmp_path), Publications(two, tmp_path)
    port = first.add(WEB, "web-1", ("172.16.0.2", ""), (loopback(0),)).ports[0]
    with pytest.raises(PortError, match=r"the port is taken by the container web-1 of the stack one"):
        second.add(DB, "db-1", ("172.16.4.2", ""), (loopback(free_port()), port))
    assert not two.exists()
    first.close()
    assert second.add(DB, "db-1", ("172.16.4.2", ""), (port,)).ports == (port,)
    second.close()


def test_records_that_cannot_be_read_are_removed(tmp_path: Path) -> None:
    directory = tmp_path / "networks" / ".published"
    directory.mkdir(parents=True)
    (directory / WEB).write_text("{")
    (directory / f"{DB}.new").write_text("{}")
    assert Publications(directory, tmp_path).rules() == []
    assert not directory.exists()


def test_a_publication_satisfies_the_wish_that_it_came_from() -> None:
    made = Publication(
        container_id=WEB, address="172.16.0.2", ports=(PublishedPort(container_port=80, host_port=8080),)
    )
    assert made.satisfies("172.16.0.2", "", [PublishedPort(container_port=80)])
    assert made.satisfies("172.16.0.2", "", [PublishedPort(container_port=80, host_port=8080, host_ip="0.0.0.0")])
    assert not made.satisfies("172.16.0.3", "", [PublishedPort(container_port=80)])
    assert not made.satisfies("172.16.0.2", "", [PublishedPort(container_port=81)])
    assert not made.satisfies("172.16.0.2", "", [PublishedPort(container_port=80, host_port=8081)])
    assert not made.satisfies("172.16.0.2", "", [])


def test_a_port_on_every_address_leads_to_both_addresses_of_a_container_that_has_both() -> None:
    ports = (
        PublishedPort(container_port=80, host_port=8080),
        PublishedPort(container_port=81, host_port=8081, host_ip="0.0.0.0"),
        PublishedPort(container_port=82, host_port=8082, host_ip="::"),
    )
    made = Publication(container_id=WEB, address="172.16.0.2", address6="fd00:5::2", ports=ports)
    assert made.rules() == (
        Published("tcp", "", 8080, "172.16.0.2", 80),
        Published("tcp", "", 8080, "fd00:5::2", 80),
        Published("tcp", "", 8081, "172.16.0.2", 81),
        Published("tcp", "", 8082, "fd00:5::2", 82),
    )


def test_a_port_of_this_stack_is_refused_by_its_containers_name(tmp_path: Path) -> None:
    directory = tmp_path / "one" / "networks" / ".published"
    directory.parent.mkdir(parents=True)
    publications = Publications(directory, tmp_path)
    port = publications.add(WEB, "web-1", ("172.16.0.2", ""), (loopback(0),)).ports[0]
    with pytest.raises(PortError, match="taken by the container web-1 of this stack"):
        publications.add(DB, "db-1", ("172.16.0.3", ""), (port,))
    publications.close()


def test_a_port_on_an_address_of_ipv6_needs_a_container_that_has_one(tmp_path: Path) -> None:
    directory = tmp_path / "one" / "networks" / ".published"
    directory.parent.mkdir(parents=True)
    wish = PublishedPort(container_port=80, host_port=8080, host_ip="2001:db8::1")
    with pytest.raises(PortError, match=r"on \[2001:db8::1\]: the container has no IPv6 address"):
        Publications(directory, tmp_path).add(WEB, "web-1", ("172.16.0.2", ""), (wish,))


def test_of_a_range_the_first_free_port_is_published_and_stays(tmp_path: Path) -> None:
    directory = tmp_path / "one" / "networks" / ".published"
    directory.parent.mkdir(parents=True)
    publications = Publications(directory, tmp_path)
    first = free_port()
    wish = PublishedPort(container_port=80, host_ip="127.0.0.1", host_port=first, last_port=first + 2)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", first))
        holder.listen()
        made = publications.add(WEB, "web-1", ("172.16.0.2", ""), (wish,))
    (port,) = made.ports
    assert first < port.host_port <= first + 2
    assert made.satisfies("172.16.0.2", "", [wish])
    assert not made.satisfies(
        "172.16.0.2", "", [PublishedPort(container_port=80, host_ip="127.0.0.1", host_port=first)]
    )
    publications.close()


def test_a_port_is_not_taken_while_those_who_have_it_make_room_or_another_of_its_range_is_free(tmp_path: Path) -> None:
    networks = tmp_path / "one" / "networks"
    networks.mkdir(parents=True)
    publications = Publications(networks / ".published", tmp_path)
    port = publications.add(WEB, "web-1", ("172.16.0.2", ""), (loopback(0),)).ports[0]

    error = why_taken(port, networks, frozenset())
    assert error is not None
    assert error.message.endswith("the port is taken by the container web-1 of this stack")
    assert why_taken(port, networks, {WEB}) is None
    assert why_taken(msgspec.structs.replace(port, last_port=port.host_port + 20), networks, frozenset()) is None
    publications.close()
