"""What `windlass config` prints for its options."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compose.cli.main import main

Config = Callable[..., str]
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
