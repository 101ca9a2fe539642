"""Values written as YAML are read as the same values."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from compose.nodes import Node
from compose.printing.yamltext import in_order, yaml_text
from compose.reading.document import read_documents

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_it_reads_well() -> None:
    values = {"name": "shop", "services": {"web": {"command": ["a", "10", {"x": True, "y": []}], "ports": None}}}
    assert yaml_text(values) == (
        "name: shop\n"
        "services:\n"
        "  web:\n"
        "    command:\n"
        "      - a\n"
        '      - "10"\n'
        "      - x: true\n"
        '        "y": []\n'
        "    ports: null\n"
    )


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_yaml_1_1_reads_the_same_values(values: dict[str, object]) -> None:
    assert yaml.safe_load(yaml_text(values)) == values


@pytest.mark.parametrize("text", ["1e3", "0o14", "12_000", "yes", "1:30", "", "a: b", "#x", "010", "+5", "null", "é"])
def test_our_own_reader_takes_texts_for_texts(text: str) -> None:
    (root,) = read_documents(yaml_text({"key": text}).encode(), "f")
    assert isinstance(root, Node)
    assert root.fields["key"].value == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain text, here", "plain text, here"),
        ("a: b", "'a: b'"),
        ("x #y", "'x #y'"),
        ("it's", "it's"),
        ("'a", "'''a'"),
        ("tab\there", '"tab\\there"'),
        ("\U0001f600", '"\\U0001F600"'),
        ("-a", "-a"),
        ("- a", "'- a'"),
        ("---", "'---'"),
        ("010", '"010"'),
        (".inf", '".inf"'),
        ("2020-01-01", '"2020-01-01"'),
        ("1:30", '"1:30"'),
        ("one\ntwo", "|-\n  one\n  two"),
        ("one\n\n  two\n", "|\n  one\n\n    two"),
        ("a\n\n", "|+\n  a\n"),
        ("  a\nb", "|2-\n    a\n  b"),
        ("trailing \nspace", '"trailing \\nspace"'),
        (0.5, "0.5"),
        (1e6, "1e+06"),
    ],
)
def test_texts_stand_as_docker_compose_writes_them(value: object, text: str) -> None:
    assert yaml_text({"k": value}) == f"k: {text}\n"


def test_long_keys_are_marked_as_keys() -> None:
    assert yaml_text({"k" * 129: ["a"]}) == f"? {'k' * 129}\n: - a\n"


@pytest.mark.parametrize(
    "names",
    [["A_B", "AB", "a"], ["A2", "A10"], ["a1b", "a1_b"], ["x-9", "x-10"], ["1", "a"], ["a1", "a01"], ["A", "é"]],
)
def test_keys_stand_as_docker_compose_sorts_them(names: list[str]) -> None:
    assert in_order(names[::-1]) == names
