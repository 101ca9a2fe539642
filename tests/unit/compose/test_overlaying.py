"""What a later file leaves empty, or says in part, over an earlier one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compose.errors import FileError
from compose.model import Stack
from compose.printing.canonical import canonical
from compose.reading.reader import ReadRequest, read_stack

BASE = """
services:
  web:
    image: x
    hostname: h
    command: [a]
    environment: {A: "1", B: "2"}
    build: {context: ., args: {V: "1"}}
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, a], interval: 5s}
    logging: {driver: json-file, options: {max-size: 1m}}
    networks: {n: {aliases: [w]}}
    ulimits: {nofile: {soft: 1, hard: 2}}
  db: {image: y, healthcheck: {test: [CMD, a]}}
networks: {n: {labels: {a: b}}}
"""


@pytest.fixture
def web(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """The service `web` with a second file over the first."""

    def web(over: str) -> dict[str, Any]:
        (tmp_path / "a.yaml").write_text(BASE)
        (tmp_path / "b.yaml").write_text(over)
        request = ReadRequest(str(tmp_path), {"B": "host"}, files=("a.yaml", "b.yaml"), project_name="proj")
        service: dict[str, Any] = canonical(read_stack(request))["services"]["web"]
        return service

    return web


def test_an_empty_value_leaves_what_was_there(web: Callable[[str], dict[str, Any]]) -> None:
    service = web(
        "services: {web: {hostname: , environment: , build: {context: , args: }, depends_on: {db: }, networks: {n: }, "
        "healthcheck: {interval: }, logging: {options: {max-size: }}, ulimits: }, db: }\nnetworks: {n: {labels: }}\n"
    )
    assert service["hostname"] == "h"
    assert service["environment"] == {"A": "1", "B": "2"}
    assert service["build"]["args"] == {"V": "1"}
    assert service["depends_on"] == {"db": {"condition": "service_healthy", "required": True}}
    assert service["healthcheck"]["interval"] == "5s"
    assert service["logging"]["options"] == {"max-size": "1m"}
    assert service["networks"] == {"n": {"aliases": ["w"]}}
    assert service["ulimits"] == {"nofile": {"soft": 1, "hard": 2}}


def test_an_empty_command_and_a_variable_without_value_say_something(web: Callable[[str], dict[str, Any]]) -> None:
    service = web("services: {web: {command: , environment: {B: }}}\n")
    assert "command" not in service
    assert service["environment"] == {"A": "1", "B": "host"}


def test_what_a_mapping_needs_need_not_be_said_again(web: Callable[[str], dict[str, Any]]) -> None:
    service = web("services: {web: {depends_on: {db: {restart: true}}, ulimits: {nofile: {soft: 2}}}}\n")
    assert service["depends_on"]["db"] == {"condition": "service_healthy", "restart": True, "required": True}
    assert service["ulimits"] == {"nofile": {"soft": 2, "hard": 2}}


def test_an_empty_value_over_nothing_is_refused(web: Callable[[str], dict[str, Any]]) -> None:
    with pytest.raises(FileError, match=r"services\.web\.user must be text, not empty"):
        web("services: {web: {user: }}\n")


def test_a_service_that_extends_may_leave_empty_what_the_other_says(read: Callable[..., Stack]) -> None:
    stack = read(
        "services: {a: {image: x, hostname: h, command: c, networks: [m]}, "
        "b: {extends: a, hostname: , init: , command: , networks: {n: }}}\nnetworks: {n: , m: }\n"
    )
    assert (stack.services["b"].hostname, stack.services["b"].command) == ("h", None)
    assert [each.network for each in stack.services["b"].networks] == ["m", "n"]
