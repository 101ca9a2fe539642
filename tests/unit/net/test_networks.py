"""The records of a stack's networks on disk."""

from pathlib import Path

import pytest

from net.errors import NetError
from net.networks import NetworkRecords
from net.spec import NetworkSpec, NetworkState

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
