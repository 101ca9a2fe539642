"""No attribute of the specification is forgotten, and the page in docs/ says what happens to each."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compose.model import Stack
from tests.attributes import LATER, REMARKS, TABLE, WARNED, attributes, table

SHARED = Path(os.environ.get("WINDLASS_SHARED", Path(__file__).parents[4] / "shared"))
SPECIFICATION = SHARED / "conformance" / "compose-spec.2026-06-29.schema.json"
WARNED_VALUES = {
    "cpu_count": "1",
    "cpu_percent": "1",
    "cpu_rt_period": "1000",
    "cpu_rt_runtime": "1000",
    "credential_spec": "{file: x}",
    "isolation": "process",
    "gpus": "all",
    "models": "[m]",
    "runtime": "runc",
    "deploy.endpoint_mode": "vip",
    "deploy.placement": "{constraints: [a]}",
    "deploy.resources.reservations.cpus": "1",
    "deploy.resources.reservations.devices": "[{capabilities: [gpu]}]",
    "deploy.resources.reservations.generic_resources": "[{discrete_resource_spec: {kind: k, value: 1}}]",
}


def specified(node: Any, path: str, definitions: dict[str, Any]) -> Iterator[str]:
    """The path of every attribute below a part of the specification's schema; `*` is any name of the user's own."""
    if not isinstance(node, dict):
        return
    if "$ref" in node:
        yield from specified(definitions[node["$ref"].rpartition("/")[2]], path, definitions)
    for key, inner in node.get("properties", {}).items():
        below = f"{path}.{key}" if path else key
        yield below
        yield from specified(inner, below, definitions)
    for pattern, inner in node.get("patternProperties", {}).items():
        if pattern != "^x-":
            yield from specified(inner, f"{path}.*", definitions)
    yield from specified(node.get("additionalProperties"), f"{path}.*", definitions)
    for inner in (node.get("items"), *node.get("oneOf", ()), *node.get("anyOf", ())):
        yield from specified(inner, path, definitions)


def test_the_page_is_made_from_the_tables() -> None:
    """After a change of the tables: `make attributes`."""
    assert TABLE.read_text() == table()


@pytest.mark.skipif(not SPECIFICATION.exists(), reason="the specification is not beside this checkout (../shared)")
def test_every_attribute_of_the_specification_is_known_and_no_other() -> None:
    schema = json.loads(SPECIFICATION.read_text())

    assert sorted(attributes()) == sorted(set(specified(schema, "", schema["$defs"])))


def test_a_service_has_93_attributes() -> None:
    services = [path for path in attributes() if path.startswith("services.*.") and path.count(".") == 2]
    assert len(services) == 93


def test_remarks_are_on_attributes() -> None:
    assert {*REMARKS} - {*attributes()} == set()


@pytest.mark.parametrize(("key", "value"), WARNED_VALUES.items())
def test_what_the_page_calls_warned_is_one_warning_with_its_place(
    read: Callable[..., Stack], key: str, value: str
) -> None:
    body = value
    for step in reversed(key.split(".")):
        body = f"{{{step}: {body}}}"
    models = ", models: {m: {model: x}}" if key == "models" else ""
    stack = read(f"{{services: {{web: {{image: x, {body[1:-1]}}}}}{models}}}")

    assert attributes()[f"services.*.{key}"][0] == WARNED
    assert stack.obstacles == ()
    (warning,) = stack.warnings
    assert key.split(".", maxsplit=1)[0] in warning.message
    assert warning.place.line == 1


def test_what_the_page_calls_later_is_an_obstacle(read: Callable[..., Stack]) -> None:
    for path, (state, _, _) in attributes().items():
        if state == LATER and path in {"services.*.pre_stop", "services.*.userns_mode"}:
            key = path.rpartition(".")[2]
            value = "[{command: x}]" if key == "pre_stop" else "host"
            assert read(f"services: {{web: {{image: x, {key}: {value}}}}}").obstacles, path
