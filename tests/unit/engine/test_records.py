"""Containers on disk: read while they are written, whatever was damaged."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StateError
from engine.layout import Layout, StackLayout
from engine.records import (
    container_directories,
    read_records,
    read_spec,
    read_state,
    set_aside,
    write_spec,
    write_state,
)
from engine.spec import ContainerSpec, Process
from engine.state import ContainerState


@pytest.fixture
def stack(tmp_path: Path) -> StackLayout:
    return Layout(run=tmp_path / "run", data=tmp_path / "data").stack("shop")


def spec(name: str, container_id: str) -> ContainerSpec:
    return ContainerSpec(
        id=container_id,
        name=name,
        stack="shop",
        service=name,
        number=1,
        image_id="sha256:0",
        image_name="x",
        layers=(),
        process=Process(argv=("true",)),
        hostname=name,
        config_hash="",
    )


def test_a_stack_that_never_was_has_no_records(stack: StackLayout) -> None:
    assert read_records(stack) == ()


def test_records_come_back_sorted_by_name(stack: StackLayout) -> None:
    write_spec(stack, spec("web", "a" * 64))
    write_spec(stack, spec("db", "b" * 64))
    write_state(stack, ContainerState(id="a" * 64, status="exited", exit_code=3))
    records = read_records(stack)
    assert [(record.spec.name, record.state.status, record.state.exit_code) for record in records] == [
        ("db", "created", None),
        ("web", "exited", 3),
    ]


def test_a_damaged_state_costs_one_containers_history(stack: StackLayout) -> None:
    write_spec(stack, spec("web", "a" * 64))
    (stack.container("a" * 64) / "state.json").write_bytes(b'{"id": "aaa')
    assert [record.state for record in read_records(stack)] == [ContainerState(id="a" * 64)]
    with pytest.raises(StateError, match=r"cannot read .*state\.json"):
        read_state(stack.container("a" * 64))


def test_a_damaged_spec_costs_one_container(stack: StackLayout) -> None:
    write_spec(stack, spec("web", "a" * 64))
    write_spec(stack, spec("db", "b" * 64))
    (stack.container("a" * 64) / "spec.json").write_bytes(b"\xff\0")
    assert [record.spec.name for record in read_records(stack)] == ["db"]


def test_what_is_set_aside_is_not_met_again(stack: StackLayout) -> None:
    write_spec(stack, spec("web", "a" * 64))
    aside = set_aside(stack.container("a" * 64))
    assert aside.name == "a" * 64 + ".damaged"
    assert container_directories(stack) == ()


@given(st.binary(max_size=400), st.sampled_from(["spec.json", "state.json"]))
def test_no_content_of_a_record_is_more_than_that_containers_loss(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, file: str
) -> None:
    root = tmp_path_factory.mktemp("records")
    stack = Layout(run=root, data=root).stack("shop")
    write_spec(stack, spec("web", "a" * 64))
    write_spec(stack, spec("db", "b" * 64))
    (stack.container("a" * 64) / file).write_bytes(content)
    assert "db" in [record.spec.name for record in read_records(stack)]


@given(position=st.integers(0, 10_000), value=st.integers(0, 255), length=st.integers(0, 10_000))
def test_whatever_was_damaged_a_record_is_of_its_container_or_none(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int, length: int
) -> None:
    stack = Layout(run=tmp_path_factory.mktemp("run"), data=Path("/nowhere")).stack("shop")
    container_id = "a" * 64
    write_spec(stack, spec("web", container_id))
    write_state(stack, ContainerState(id=container_id, status="running", first_id=65536))
    for name in ("spec.json", "state.json"):
        path = stack.container(container_id) / name
        content = bytearray(path.read_bytes())
        content[position % len(content)] = value
        path.write_bytes(content[:length])
    for record in read_records(stack):
        assert (record.spec.id, record.state.id) == (container_id, container_id)


def test_a_record_of_a_later_version_tells_what_this_one_knows(stack: StackLayout) -> None:
    write_spec(stack, spec("web", "a" * 64))
    path = stack.container("a" * 64) / "spec.json"
    path.write_bytes(path.read_bytes().removesuffix(b"}") + b',"of_the_future":[1]}')
    assert [record.spec for record in read_records(stack)] == [spec("web", "a" * 64)]


def test_a_record_of_another_container_is_damaged(stack: StackLayout) -> None:
    write_spec(stack, spec("web", "a" * 64))
    stack.container("a" * 64).rename(stack.container("b" * 64))
    with pytest.raises(StateError, match=r"spec\.json: it is of another container \(aaaaaaaaaaaa\)"):
        read_spec(stack.container("b" * 64))
