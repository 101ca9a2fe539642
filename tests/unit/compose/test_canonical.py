from collections.abc import Callable
from pathlib import Path

from compose.model import Stack
from compose.printing.canonical import canonical

Read = Callable[..., Stack]


def test_short_forms_become_long_ones_and_dollars_are_escaped(read: Read, tmp_path: Path) -> None:
    stack = read("""
x-note: {a: 2020-01-01}
services:
  web:
    build: .
    command: echo $$x
    environment: {A: , B: "$$y"}
    labels: [a=b, c]
    healthcheck: {test: curl x, retries: 0}
    stop_grace_period: 60s
    deploy: {resources: {limits: {cpus: "0.5", memory: 50M}}}
    init: false
    read_only: false
    x-own: [1]
    volumes: [data:/data]
  off: {image: x, profiles: [p]}
volumes: {data: , unused: }
networks: {unused: }
""")
    assert canonical(stack) == {
        "name": "proj",
        "services": {
            "web": {
                "build": {"context": str(tmp_path), "dockerfile": "Dockerfile"},
                "command": ["echo", "$$x"],
                "environment": {"A": None, "B": "$$y"},
                "labels": {"a": "b", "c": ""},
                "healthcheck": {"test": ["CMD-SHELL", "curl x"], "retries": 0},
                "stop_grace_period": "1m0s",
                "deploy": {"resources": {"limits": {"cpus": 0.5, "memory": "52428800"}}},
                "init": False,
                "x-own": [1],
                "networks": {"default": None},
                "volumes": [{"type": "volume", "source": "data", "target": "/data", "volume": {}}],
            }
        },
        "networks": {"default": {"name": "proj_default"}},
        "volumes": {"data": {"name": "proj_data"}},
        "x-note": {"a": "2020-01-01"},
    }
    as_json = canonical(stack, as_json=True)["services"]["web"]
    assert "x-own" not in as_json
    assert as_json["entrypoint"] is None
    assert as_json["deploy"]["placement"] == {}


def test_what_is_printed_reads_the_same_again(read: Read) -> None:
    text = "services: {a: {image: x, ports: ['8000-8001:80'], volumes: [./d:/d], environment: {A: $$B}, tmpfs: /t}}\n"
    first = read(text)
    import json

    again = read(json.dumps(canonical(first)))
    assert again.services == first.services
