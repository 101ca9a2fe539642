"""`extends`: a service is laid over another one, of the same file or of one elsewhere."""

from collections.abc import Callable
from pathlib import Path

import pytest

from compose.model import Stack
from compose.places import Place
from compose.printing.canonical import canonical

Read = Callable[..., Stack]
Problems = Callable[..., str]


def services(stack: Stack) -> dict[str, object]:
    found: dict[str, dict[str, object]] = canonical(stack)["services"]
    return {name: {key: value for key, value in each.items() if key != "networks"} for name, each in found.items()}


def test_a_service_inherits_what_it_does_not_say_itself(read: Read) -> None:
    stack = read("""
services:
  top: {extends: {service: middle}, environment: {C: c}}
  middle: {extends: base, image: over, environment: {B: b}, ports: ["81"]}
  base: {image: base, environment: {A: a, B: x}, ports: ["80"], command: [one, two]}
""")
    assert services(stack)["top"] == {
        "command": ["one", "two"],
        "environment": {"A": "a", "B": "b", "C": "c"},
        "image": "over",
        "ports": [
            {"mode": "ingress", "target": 80, "protocol": "tcp"},
            {"mode": "ingress", "target": 81, "protocol": "tcp"},
        ],
    }


def test_a_base_in_another_file_keeps_its_directory_its_places_and_its_silence_about_the_rest(
    read: Read, tmp_path: Path
) -> None:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "sub" / "base.yaml").write_text("""
unknown: {}
services:
  wrong: {restrat: always}
  base: {extends: {service: root, file: deep/root.yaml}, volumes: [./here:/here]}
""")
    (tmp_path / "sub" / "deep" / "root.yaml").write_text("services: {root: {image: root, volumes: ['../x:/x']}}\n")
    stack = read("services: {web: {extends: {service: base, file: sub/base.yaml}}}\n")
    assert [(mount.source, mount.target) for mount in stack.services["web"].mounts] == [
        (f"{tmp_path}/sub/x", "/x"),
        (f"{tmp_path}/sub/here", "/here"),
    ]
    assert stack.place("services", "web", "image") == Place("sub/deep/root.yaml", 1, 26)


def test_reset_and_override_reach_the_base_and_the_files_before(read: Read, tmp_path: Path) -> None:
    (tmp_path / "over.yaml").write_text("""
services:
  a: {image: i2, ports: ["82"], environment: {B: 2}}
  b: {extends: a, ports: !reset [], environment: !override {Z: 1}}
""")
    text = """
services:
  a: {image: i, environment: {A: 1}, command: [x]}
  b: {image: j, ports: ["81"], environment: {C: 1}}
"""
    files = (f"{tmp_path}/compose.yaml", f"{tmp_path}/over.yaml")
    assert services(read(text, files=files))["b"] == {"image": "i2", "environment": {"Z": "1"}}


def test_marks_of_the_base_are_the_bases_own(read: Read) -> None:
    stack = read("""
services:
  a: {image: i, ports: !reset ["82"], environment: !override {B: 2}}
  b: {extends: a, image: k}
""")
    assert services(stack)["b"] == {"image": "k", "environment": {"B": "2"}}


def test_a_circle_is_told_once_with_every_edge(problems: Problems) -> None:
    assert problems("services:\n  a: {extends: b}\n  b: {extends: c}\n  c: {extends: a}\n  d: {extends: a}\n") == (
        "compose.yaml:2:16: services extend each other in a circle: a -> b -> c -> a\n"
        "  break one of: a extends b (compose.yaml:2:16); b extends c (compose.yaml:3:16); "
        "c extends a (compose.yaml:4:16)"
    )


def test_a_circle_over_two_files_is_found(problems: Problems, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("services: {b: {extends: {service: a, file: compose.yaml}}}\n")
    assert problems("services: {a: {extends: {service: b, file: other.yaml}}}\n") == (
        "compose.yaml:1:35: services extend each other in a circle: a -> b -> a\n"
        "  break one of: a extends b (compose.yaml:1:35); b extends a (other.yaml:1:35)"
    )


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        (
            "wbe",
            "compose.yaml:3:16: services.a extends 'wbe', which is no service of compose.yaml\n  did you mean 'web'?",
        ),
        (
            "{service: x, file: missing.yaml}",
            (
                "compose.yaml:3:35: services.a extends a service of missing.yaml: no such file\n"
                "  check the path of the file"
            ),
        ),
        (
            "{service: x, file: 'https://a.org/x.git'}",
            (
                "compose.yaml:3:35: services.a extends 'https://a.org/x.git', and fetching files is not supported yet\n"
                "  extend a service of a local file"
            ),
        ),
        ("{file: x.yaml}", "compose.yaml:3:7: services.a.extends has no 'service'\n  add 'service:'"),
    ],
)
def test_what_cannot_be_extended_is_told(problems: Problems, extends: str, message: str) -> None:
    text = f"services:\n  web: {{image: x}}\n  a: {{extends: {extends}, image: x}}\n"
    assert problems(text) == message


def test_a_thousand_services_may_extend_each_other_in_a_row(read: Read) -> None:
    rows = "".join(f"  s{index}: {{extends: s{index + 1}, environment: {{V{index}: ''}}}}\n" for index in range(1500))
    stack = read(f"services:\n{rows}  s1500: {{image: x}}\n")
    assert len(stack.services["s0"].environment) == 1500
