"""The records of a stack's networks on disk."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net.errors import NetError
from net.networks import NetworkRecords
from net.spec import Endpoint, NetworkSpec, NetworkState

STATE = NetworkState(spec=NetworkSpec(name="shop_default"), subnet="172.16.0.0/22", gateway="172.16.0.1", bridge="br0")


def test_a_network_is_read_as_it_was_written(tmp_path: Path) -> None:
    NetworkRecords(tmp_path / "networks").write(STATE)
    networks = NetworkRecords(tmp_path / "networks").read()
    assert {name: network.state for name, network in networks.items()} == {"shop_default": STATE}
    assert sorted(path.name for path in (tmp_path / "networks" / "shop_default").iterdir()) == [
        "leases",
        "network.json",
    ]


def test_a_network_that_was_never_finished_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "half" / "leases").mkdir(parents=True)
    (tmp_path / "half" / "network.json.new").write_text("{")
    assert NetworkRecords(tmp_path).read() == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b'{"spec":{"name":"x"},"subnet":"x","gateway":"y","bridge":"br0"}']
)
def test_a_damaged_record_costs_one_network(tmp_path: Path, content: bytes) -> None:
    records = NetworkRecords(tmp_path)
    records.write(STATE)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "network.json").write_bytes(content)
    assert list(records.read()) == ["shop_default"]
    (problem,) = records.problems
    assert problem.message.startswith("cannot read the record of the network broken: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".damaged-broken", "shop_default"]


@pytest.mark.parametrize("name", ["", ".hidden", "../up", "a/b", "x" * 129, "a b"])
def test_a_name_that_is_no_file_name_of_ours_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NetError, match="cannot be the name of a network"):
        NetworkRecords(tmp_path).write(NetworkState(spec=NetworkSpec(name=name), subnet="", gateway="", bridge=""))


def test_a_removed_network_leaves_nothing(tmp_path: Path) -> None:
    records = NetworkRecords(tmp_path)
    records.write(STATE).leases.take("aa" * 32)
    records.remove("shop_default")
    assert list(tmp_path.iterdir()) == []


@given(position=st.integers(0, 10_000), value=st.integers(0, 255), length=st.integers(0, 10_000), name=st.binary())
def test_whatever_was_damaged_networks_are_read(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int, length: int, name: bytes
) -> None:
    directory = tmp_path_factory.mktemp("networks")
    network = NetworkRecords(directory).write(STATE)
    network.lease("a" * 64, Endpoint(network="shop_default", mac_address="02:00:00:00:00:07"), "eth0")
    (lease,) = (directory / "shop_default" / "leases").iterdir()
    for path in (directory / "shop_default" / "network.json", lease):
        content = bytearray(path.read_bytes())
        content[position % len(content)] = value
        path.write_bytes(content[:length])
    (lease.parent / (name.hex()[:100] or "0")).write_bytes(name)
    records = NetworkRecords(directory)
    assert len(records.read()) + len(records.problems) == 1


def test_what_somebody_removed_is_written_again(tmp_path: Path) -> None:
    records = NetworkRecords(tmp_path / "networks")
    network = records.write(STATE)
    network.lease("a" * 64, Endpoint(network="shop_default"), "eth0")
    assert not records.keep(network)
    shutil.rmtree(tmp_path / "networks")
    assert records.keep(network)
    (again,) = NetworkRecords(tmp_path / "networks").read().values()
    assert (again.state, again.leases.holders) == (STATE, {"a" * 64})
