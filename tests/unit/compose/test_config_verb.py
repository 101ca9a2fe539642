"""What `windlass config` prints for its options."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compose.cli.main import main
from compose.model import Stack

Config = Callable[..., str]
Capture = pytest.CaptureFixture[str]
TEXT = """
name: shop
services:
  web:
    image: nginx:${TAG:-1}
    depends_on: [db]
    profiles: [front]
  db:
    build: ./db
    volumes: [data:/data]
volumes: {data: }
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Config:
    """Runs `windlass --profile front config` with options; what it printed, or how it failed."""
    (tmp_path / "compose.yaml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("COMPOSE_")]:
        monkeypatch.delenv(name)

    def config(*options: str) -> str:
        monkeypatch.setattr(sys, "argv", ["windlass", "--profile", "front", "config", *options])
        status = main()
        printed = capsys.readouterr()
        return printed.out if status == 0 else printed.err

    return config


@pytest.mark.parametrize(
    ("option", "printed"),
    [
        ("--services", "web\ndb\n"),
        ("--volumes", "data\n"),
        ("--networks", "default\n"),
        ("--models", ""),
        ("--profiles", "front\n"),
        ("--images", "nginx:1\nshop-db\n"),
        ("-q", ""),
    ],
)
def test_names_are_printed_one_a_line(config: Config, option: str, printed: str) -> None:
    assert config(option) == printed


def test_a_service_is_printed_with_what_it_depends_on(config: Config) -> None:
    assert config("--images", "db") == "shop-db\n"
    assert "web:" not in config("db")
    assert "db:" in config("web")


def test_hashes_are_printed_behind_the_names(config: Config) -> None:
    everything = config("--hash", "*").splitlines()

    assert [line.split()[0] for line in everything] == ["db", "web"]
    assert config("--hash", "web") == everything[1] + "\n"
    assert config("--hash", "wep").startswith("the stack has no service 'wep'\n  hint: did you mean 'web'?")


def test_output_goes_to_a_file(config: Config, tmp_path: Path) -> None:
    assert config("--services", "-o", str(tmp_path / "names")) == ""
    assert (tmp_path / "names").read_text() == "web\ndb\n"


def test_digests_are_refused_until_registries_are_read(config: Config) -> None:
    assert config("--resolve-image-digests").startswith("--resolve-image-digests is not supported yet")


def test_the_environment_is_what_files_may_use(config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAG=2\n")
    monkeypatch.setenv("OTHER", "x")
    lines = config("--environment").splitlines()

    assert {"TAG=2", "OTHER=x", "COMPOSE_PROJECT_NAME=shop"} <= set(lines)
    assert lines == sorted(lines)


def test_variables_are_told_with_their_defaults(config: Config, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services: {web: {image: '${A:-${B-b}}:$C', command: ['${D:?need}', '${E:+set}', '$$F']}}"
    )
    assert config("--variables") == (
        "NAME                REQUIRED            DEFAULT VALUE       ALTERNATE VALUE\n"
        "A                   false               ${B-b}              \n"
        "B                   false               b                   \n"
        "C                   false                                   \n"
        "D                   true                                    \n"
        "E                   false                                   set\n"
    )
    assert config("--variables", "--format", "json").startswith(
        '{\n    "A": {\n        "Name": "A",\n        "DefaultValue": "${B-b}",\n'
    )


def test_without_interpolation_variables_keep_their_names(config: Config, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services:\n"
        "  web:\n"
        "    image: nginx:${TAG?}\n"
        '    ports: ["${PORT}:80"]\n'
        "    volumes: ['${DATA:-./d}:/d']\n"
        "    mem_limit: ${MEMORY:-1g}\n"
        "    stop_grace_period: 60s\n"
    )
    assert config("--no-interpolate", "--no-normalize") == (
        "services:\n"
        "  web:\n"
        "    image: nginx:${TAG?}\n"
        "    mem_limit: ${MEMORY:-1g}\n"
        "    ports:\n"
        "      - ${PORT}:80\n"
        "    stop_grace_period: 60s\n"
        "    volumes:\n"
        "      - source: ${DATA:-./d}\n"
        "        target: /d\n"
        "        type: volume\n"
        "        volume: {}\n"
    )


def test_a_variable_in_a_value_of_the_wrong_kind_excuses_nothing(config: Config, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x, cap_add: [{A: '${B}'}]}}")
    assert "services.web.cap_add[0] must be text, not a mapping" in config("--no-interpolate")


def test_marks_of_the_private_use_area_are_left_alone(config: Config, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services: {web: {image: x, user: 'a\ue000b', hostname: '\ue0000\ue001${A}'}}"
    )
    printed = config("--no-interpolate")
    assert "user: a\ue000b" in printed
    assert "hostname: \ue0000\ue001${A}" in printed


def test_without_interpolation_mistakes_are_still_found(config: Config, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {imag: '${A}', mem_limit: much}}")
    said = config("--no-interpolate")
    assert "services.web has no key 'imag'" in said
    assert "services.web.mem_limit" in said


def test_phases_can_be_left_out(config: Config, tmp_path: Path) -> None:
    (tmp_path / "web.env").write_text("A=1\n")
    (tmp_path / "compose.yaml").write_text("services: {web: {build: ./b, env_file: web.env, depends_on: [gone]}}")
    assert "dockerfile" not in config("--no-normalize", "--no-consistency")
    assert "A: " in config("--no-consistency")
    assert "A: " not in config("--no-consistency", "--no-env-resolution")
    assert "context: ./b" in config("--no-consistency", "--no-path-resolution")
    assert "gone" in config("--no-consistency")


def test_a_variable_that_only_an_env_file_sets_is_explained(read: Callable[..., Stack], tmp_path: Path) -> None:
    (tmp_path / "web.env").write_text("A=1\n")
    (warning,) = read("services: {web: {image: 'x:${A}', env_file: web.env}}").warnings
    assert warning.hint == "web.env sets it, but for containers alone: set it in .env, too, or give --env-file web.env"


def test_convert_is_another_name_for_it(config: Config, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    del config  # it made the file
    monkeypatch.setattr(sys, "argv", ["windlass", "convert", "--services"])
    assert (main(), capsys.readouterr().out) == (0, "db\n")
