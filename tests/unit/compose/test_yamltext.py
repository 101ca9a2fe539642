"""Values written as YAML are read as the same values."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from compose.document import read_documents
from compose.nodes import Node
from compose.yamltext import yaml_text

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
