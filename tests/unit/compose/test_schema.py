"""The published schema says what the reader says."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compose.cli.schema import PUBLISHED
from compose.grammar.keys import DOCUMENT
from compose.grammar.schema import schema
from compose.grammar.shapes import Reading
from compose.printing.jsontext import json_text
from compose.reading.document import read_documents
from compose.reading.schema_check import mistakes, validator

VALIDATOR = validator()
FILES = sorted((Path(__file__).parents[2] / "files").glob("*/compose.yaml"))
SHARED = Path(os.environ.get("WINDLASS_SHARED", Path(__file__).parents[4] / "shared")) / "conformance"


def test_the_published_file_is_made_from_the_tables() -> None:
    """After a change of the tables: `make schema`."""
    assert PUBLISHED.read_text() == json_text(schema())


def test_every_key_has_words() -> None:
    def without_words(made: Any, path: str) -> list[str]:
        if isinstance(made, list):
            return [found for each in made for found in without_words(each, path)]
        if not isinstance(made, dict):
            return []
        missing = [f"{path}.{key}" for key, value in made.get("properties", {}).items() if "description" not in value]
        inner = [*made.get("properties", {}).items(), *((key, made.get(key)) for key in ("items", "anyOf"))]
        inner.append(("*", made.get("additionalProperties")))
        return missing + [found for key, value in inner for found in without_words(value, f"{path}.{key}")]

    assert without_words(schema(), "") == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_whole_files_fit_with_their_variables(file: Path) -> None:
    assert list(mistakes([(file.name, file.read_bytes())])) == []


def test_a_mistake_is_told_with_its_place() -> None:
    content = b"services:\n  web:\n    imag: x\n    ports: [80, {published: 1}]\n  db:\n    init: maybe\n"
    assert [(str(each), each.hint) for each in mistakes([("f.yaml", content)])] == [
        ("f.yaml:3:5: services.web has no key 'imag'", "did you mean 'image'?"),
        ("f.yaml:4:17: services.web.ports[1] has no 'target'", "add 'target:'"),
        (
            "f.yaml:6:11: services.db.init cannot be 'maybe'",
            "it is for this: Runs a tiny init as the first process, which reaps and passes signals on.",
        ),
    ]


@pytest.mark.skipif(not SHARED.exists(), reason="the cases of ../shared/conformance are not beside this checkout")
def test_no_file_that_docker_compose_takes_is_refused() -> None:
    """Single files without variables in odd places; what Compose takes although its own schema refuses it is named."""
    refused = []
    for answer in sorted(SHARED.glob("*/*.json")):
        file = answer.with_name(answer.name.removesuffix(".v2.40.3.json") + ".yaml")
        if file.exists() and b"!reset" not in file.read_bytes() and b"!override" not in file.read_bytes():
            refused += [f"{file.stem} {each}" for each in mistakes([("f", file.read_bytes())])]
    assert refused == []


# Values of every kind, right here or wrong there; texts are taken whose inside no short form refuses.
SCALARS = st.sampled_from(
    [None, True, False, 0, 1, -1, 80, 4097, 1.5, "x", "yes", "80", "512m", "1m30s", "1.5", "", "NONE", "host", "a=b"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["source", "target", "type", "path", "a", "x-a", "name"]), inner, max_size=2)
    ),
    max_leaves=3,
)


def spots(made: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every path to a key that the schema knows, names of the user's own being `one`."""
    found = []
    for key, value in made.get("properties", {}).items():
        found += [(*path, key), *spots(value, (*path, key))]
    for each in made.get("anyOf", []):
        found += spots(each, path)
    if isinstance(made.get("additionalProperties"), dict):
        found += spots(made["additionalProperties"], (*path, "one"))
    if isinstance(made.get("items"), dict):
        found += spots(made["items"], (*path, "[]"))
    return found


def document(path: tuple[str, ...], value: object) -> Any:
    """A document with nothing but one value."""
    for step in reversed(path):
        value = [value] if step == "[]" else {step: value}
    return value


# What only the reader knows: the grammar inside texts, what a mapping must hold depending on its other values.
READER_ALONE = ("ports", "volumes", "devices", "extra_hosts", "command", "entrypoint", "name", "environment", "args")


def reader_takes(values: object) -> bool:
    (root,) = read_documents(json.dumps(values).encode(), "f")
    reading = Reading("/p", "/home/me")
    read = reading.attempt(DOCUMENT, root, "")
    return read is not None and not reading.problems


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(spots(schema())), VALUES)
def test_schema_and_reader_come_to_the_same_verdict(path: tuple[str, ...], value: object) -> None:
    values = document(path, value)
    fits = VALIDATOR.is_valid(values)
    taken = reader_takes(values)
    if any(step in READER_ALONE for step in path):
        assert fits or not taken  # the schema never refuses what the reader takes
    else:
        assert fits == taken
