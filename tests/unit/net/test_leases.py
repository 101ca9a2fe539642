"""One file a lease, and one lease a container."""

from pathlib import Path

import pytest

from net.addresses import format_address, parse_address, parse_block, parse_subnet6
from net.errors import AddressError
from net.leases import Leases

GATEWAY = parse_address("10.0.0.1")
WEB, DB = "aa" * 32, "bb" * 32


def leases(directory: Path) -> Leases:
    return Leases(directory, parse_block("10.0.0.0/29"), {GATEWAY: "the gateway"})


def test_a_lease_is_a_file_named_by_the_address_holding_the_container(tmp_path: Path) -> None:
    taken = leases(tmp_path / "leases").take(WEB)
    assert format_address(taken) == "10.0.0.2"
    assert (tmp_path / "leases" / "10.0.0.2").read_text() == WEB


def test_a_container_keeps_its_lease(tmp_path: Path) -> None:
    held = leases(tmp_path / "leases")
    assert held.take(WEB) == held.take(WEB) == leases(tmp_path / "leases").take(WEB)
    assert len(held) == 1


def test_a_container_that_wants_another_address_gives_its_old_one_back(tmp_path: Path) -> None:
    held = leases(tmp_path / "leases")
    held.take(WEB)
    assert format_address(held.take(WEB, "10.0.0.6")) == "10.0.0.6"
    assert [path.name for path in (tmp_path / "leases").iterdir()] == ["10.0.0.6"]


def test_a_taken_address_names_its_holder(tmp_path: Path) -> None:
    held = leases(tmp_path / "leases")
    held.take(WEB, "10.0.0.5")
    with pytest.raises(AddressError, match=r"the address 10\.0\.0\.5 is taken by container aaaaaaaaaaaa"):
        held.take(DB, "10.0.0.5")
    with pytest.raises(AddressError, match=r"10\.0\.0\.1 is taken by the gateway"):
        held.take(DB, "10.0.0.1")


def test_released_addresses_are_free_again(tmp_path: Path) -> None:
    held = leases(tmp_path / "leases")
    held.take(WEB)
    held.release(WEB)
    held.release(WEB)
    assert list((tmp_path / "leases").iterdir()) == []
    assert format_address(held.take(DB)) == "10.0.0.2"


def test_a_lease_that_was_never_finished_is_removed(tmp_path: Path) -> None:
    (tmp_path / "leases").mkdir()
    (tmp_path / "leases" / "10.0.0.2").touch()
    held = leases(tmp_path / "leases")
    assert len(held) == 0
    assert format_address(held.take(DB)) == "10.0.0.2"


def test_addresses_come_from_their_part_of_the_subnet_and_are_never_kept_ones(tmp_path: Path) -> None:
    kept = {GATEWAY: "the gateway", parse_address("10.0.0.12"): "the network's aux_addresses"}
    held = Leases(tmp_path / "leases", parse_block("10.0.0.0/24"), kept, within=parse_block("10.0.0.12/30"))
    assert format_address(held.take(WEB)) == "10.0.0.13"
    assert format_address(held.take(DB, "10.0.0.200")) == "10.0.0.200"
    with pytest.raises(AddressError, match=r"10\.0\.0\.12 is taken by the network's aux_addresses"):
        held.take("cc" * 32, "10.0.0.12")


def test_addresses_of_ipv6_are_leased_alike(tmp_path: Path) -> None:
    subnet = parse_subnet6("fd00:5::/64")
    held = Leases(tmp_path / "leases6", subnet, {subnet.first + 1: "the gateway"})
    assert subnet.format(held.take(WEB)) == "fd00:5::2"
    assert subnet.format(held.take(DB, "fd00:5::b0")) == "fd00:5::b0"
    assert sorted(path.name for path in (tmp_path / "leases6").iterdir()) == ["fd00:5::2", "fd00:5::b0"]
    assert len(Leases(tmp_path / "leases6", subnet, {})) == 2
