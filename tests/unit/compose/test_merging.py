from pathlib import Path

from compose.model import Stack
from compose.printing.canonical import canonical
from compose.reading.reader import ReadRequest, read_stack


def merged(directory: Path, *texts: str) -> Stack:
    names = tuple(f"{number}.yaml" for number in range(len(texts)))
    for name, text in zip(names, texts, strict=True):
        (directory / name).write_text(text)
    return read_stack(ReadRequest(str(directory), {}, files=names, project_name="proj"))


def test_maps_merge_lists_append_and_commands_are_replaced(tmp_path: Path) -> None:
    stack = merged(
        tmp_path,
        """
services:
  a:
    build: ./ctx
    command: a b
    environment: [A=1, B=2]
    ports: ["80:80", "81:81"]
    volumes: [./x:/x, data:/v]
    depends_on: [b]
    networks: [n]
    expose: [1, 2]
    healthcheck: {test: x, interval: 1s}
    read_only: true
  b: {image: y}
volumes: {data: }
networks: {n: }
""",
        """
services:
  a:
    build: {args: [X=1]}
    command: [c]
    environment: {B: 3, C: 4}
    ports: ["80:80/udp", "81:81", {target: 82}]
    volumes: [./y:/x:ro]
    depends_on: {b: {condition: service_healthy}}
    networks: {n: {aliases: [q]}}
    expose: [2, 3]
    healthcheck: {test: [CMD, y]}
    read_only: false
""",
    )
    assert canonical(stack)["services"]["a"] == {
        "build": {"context": f"{tmp_path}/ctx", "dockerfile": "Dockerfile", "args": {"X": "1"}},
        "command": ["c"],
        "environment": {"A": "1", "B": "3", "C": "4"},
        "ports": [
            {"mode": "ingress", "target": 80, "published": "80", "protocol": "tcp"},
            {"mode": "ingress", "target": 81, "published": "81", "protocol": "tcp"},
            {"mode": "ingress", "target": 80, "published": "80", "protocol": "udp"},
            {"mode": "ingress", "target": 82, "protocol": "tcp"},
        ],
        "volumes": [
            {
                "type": "bind",
                "source": f"{tmp_path}/y",
                "target": "/x",
                "read_only": True,
                "bind": {"create_host_path": True},
            },
            {"type": "volume", "source": "data", "target": "/v", "volume": {}},
        ],
        "depends_on": {"b": {"condition": "service_healthy", "required": True}},
        "networks": {"n": {"aliases": ["q"]}},
        "expose": ["1", "2", "3"],
        "healthcheck": {"test": ["CMD", "y"], "interval": "1s"},
    }


def test_reset_removes_and_override_replaces(tmp_path: Path) -> None:
    stack = merged(
        tmp_path,
        "services: {a: {image: x, ports: ['80:80'], labels: {a: 1, b: 2}, tmpfs: [/a]}, b: {image: y}}\n",
        "services: {a: {ports: !reset [], labels: {a: !reset null}, tmpfs: !override [/b]}, b: !reset null}\n",
    )
    assert canonical(stack)["services"] == {
        "a": {
            "image": "x",
            "labels": {"b": "2"},
            "networks": {"default": None},
            "tmpfs": ["/b"],
        }
    }


def test_documents_of_one_file_are_merged_in_order(tmp_path: Path) -> None:
    stack = merged(tmp_path, "services: {a: {image: x}}\n---\nservices: {a: {image: y}}\n")
    assert stack.services["a"].image == "y"


def test_merged_values_keep_the_place_of_the_file_they_come_from(tmp_path: Path) -> None:
    stack = merged(tmp_path, "services:\n  a: {image: x, user: u}\n", "services:\n  a:\n    image: y\n")
    assert str(stack.place("services", "a", "image")) == "1.yaml:3:12"
    assert str(stack.place("services", "a", "user")) == "0.yaml:2:23"


def test_the_options_of_another_logging_driver_are_not_kept(tmp_path: Path) -> None:
    base = "services: {a: {image: x, logging: {driver: local, options: {max-size: 1m}}}}"
    same = "services: {a: {logging: {options: {max-file: '3'}}}}"
    other = "services: {a: {logging: {driver: none, options: {x: y}}}}"
    assert canonical(merged(tmp_path, base, same))["services"]["a"]["logging"] == {
        "driver": "local",
        "options": {"max-file": "3", "max-size": "1m"},
    }
    assert canonical(merged(tmp_path, base, other))["services"]["a"]["logging"] == {
        "driver": "none",
        "options": {"x": "y"},
    }


def test_what_placement_wants_and_where_builds_cache_is_appended_even_twice(tmp_path: Path) -> None:
    text = "services: {a: {build: {cache_from: [a]}, deploy: {placement: {constraints: [x]}}}}"
    both = canonical(merged(tmp_path, text, text))["services"]["a"]
    assert both["build"]["cache_from"] == ["a", "a"]
    assert both["deploy"]["placement"] == {"constraints": ["x", "x"]}
