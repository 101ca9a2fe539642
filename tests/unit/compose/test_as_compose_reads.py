"""Small things in which `config` was found to differ from Compose's."""

from collections.abc import Callable
from typing import Any

import pytest

from compose.model import Stack
from compose.printing.canonical import canonical

Read = Callable[..., Stack]
Problems = Callable[..., str]


def service(read: Read, text: str, *, as_json: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = canonical(read(f"services: {{s: {{image: x, {text}}}}}\n"), as_json=as_json)["services"][
        "s"
    ]
    return found


@pytest.mark.parametrize(
    ("text", "key", "printed"),
    [
        ("mem_swappiness: 60k", "mem_swappiness", "61440"),
        ("mem_swappiness: 60", "mem_swappiness", "60"),
        ("mem_limit: 0", "mem_limit", None),
        ('shm_size: "0"', "shm_size", None),
        ("scale: 2e0", "scale", 2),
        ("cpu_shares: 1.5", "cpu_shares", 1),
        ("cpu_shares: !override 5", "cpu_shares", 5),
        ('mac_address: ""', "mac_address", None),
        ("deploy: {mode: jobs}", "deploy", {"mode": "jobs"}),
        ("storage_opt: {mode: }", "storage_opt", {"mode": ""}),
        ('ports: ["80/"]', "ports", [{"mode": "ingress", "target": 80, "protocol": "tcp"}]),
        ("ports: [{target: 80, protocol: TCP}]", "ports", [{"mode": "ingress", "target": 80, "protocol": "TCP"}]),
        ('ports: [{target: 80, protocol: ""}]', "ports", [{"mode": "ingress", "target": 80}]),
    ],
)
def test_values_are_taken_as_compose_takes_them(read: Read, text: str, key: str, printed: object) -> None:
    assert service(read, text).get(key) == printed


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('ports: ["::1:80:80"]', "services.s.ports[0] has an address of IPv6 without brackets: write [::1]"),
        ('devices: ["/a:/b:r:w"]', "services.s.devices[0] has more than three parts between colons: '/a:/b:r:w'"),
        ("logging: {options: [a=b]}", "services.s.logging.options must be a mapping, not a list"),
        (
            "deploy: {restart_policy: {max_attempts: -1}}",
            "services.s.deploy.restart_policy.max_attempts must be 0 or more, not -1",
        ),
        (
            "deploy: {update_config: {parallelism: -1}}",
            "services.s.deploy.update_config.parallelism must be 0 or more, not -1",
        ),
        ("mem_swappiness: abc", "services.s.mem_swappiness is no size: 'abc'"),
        (
            "build: {additional_contexts: [a]}",
            "services.s.build.additional_contexts: the context 'a' leads nowhere",
        ),
        (
            "build: {additional_contexts: {a: service:t}}",
            "services.s.build.additional_contexts.a is of 't', which is not built",
        ),
    ],
)
def test_what_compose_refuses_is_refused(problems: Problems, text: str, problem: str) -> None:
    found = problems(f"services: {{s: {{image: x, {text}}}, t: {{image: y}}}}\n")
    assert found.split(": ", 1)[1].split("\n")[0] == problem


def test_zeros_of_limits_are_told_in_yaml_alone(read: Read) -> None:
    text = "ulimits: {core: 0, nofile: {soft: 0, hard: 5}, nproc: 3}"
    pairs = {"core": {"soft": 0, "hard": 0}, "nofile": {"soft": 0, "hard": 5}, "nproc": 3}
    assert service(read, text)["ulimits"] == pairs
    assert service(read, text, as_json=True)["ulimits"] == {"core": {}, "nofile": {"hard": 5}, "nproc": 3}


def test_a_volume_of_somebody_else_is_not_described(problems: Problems) -> None:
    text = "services: {{s: {{image: x}}}}\nvolumes: {{data: {{external: true, {}}}}}\n"
    assert problems(text.format("name: a, x-note: b")) == ""
    assert problems(text.format("driver: local")) == (
        "compose.yaml:2:42: volumes.data is external, so that its 'driver' is not for this file to say\n"
        "  delete 'driver', or `external`"
    )
    assert problems(text.format("name: a").replace("true", "{name: b}")) == (
        "compose.yaml:2:35: volumes.data is named 'a', but external says 'b'\n"
        "  keep `name:`, and write `external: true`"
    )


def test_the_hosts_network_and_the_volumes_of_mounts_that_cannot_be_are_printed(read: Read) -> None:
    stack = read(
        "services: {s: {image: x, networks: [n], volumes: ['data:rel']}}\n"
        "networks: {n: {driver: host}}\nvolumes: {data: , other: }\n"
    )
    printed = canonical(stack)
    assert printed["networks"] == {"n": {"name": "proj_n", "driver": "host"}}
    assert printed["volumes"] == {"data": {"name": "proj_data"}}


def test_all_gpus_replace_others_and_are_replaced_where_a_service_extends(read: Read) -> None:
    stack = read(
        "services: {t: {image: x, gpus: all}, s: {extends: t, gpus: [{count: 1}]}, u: {extends: t, gpus: all}}\n"
    )
    printed = {name: each["gpus"] for name, each in canonical(stack)["services"].items()}
    assert printed == {"s": [{"count": 1}], "t": [{"count": -1}], "u": [{"count": -1}]}


def test_a_whole_number_has_no_fraction_in_json(read: Read) -> None:
    stack = read("services: {s: {image: x}}\nx-numbers: [1.0, 1.5, .inf]\n")
    assert repr(canonical(stack, as_json=True)["x-numbers"][:2]) == "[1, 1.5]"
    assert repr(canonical(stack)["x-numbers"][:2]) == "[1.0, 1.5]"
