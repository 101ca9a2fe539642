"""What `windlass init` writes."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compose.cli.init import first_file
from compose.cli.main import main
from compose.model import Stack
from compose.reading.schema_check import mistakes

Read = Callable[..., Stack]


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs `windlass init` in an empty directory; what it told."""
    monkeypatch.chdir(tmp_path)

    def init(*options: str) -> str:
        monkeypatch.setattr(sys, "argv", ["windlass", "init", *options])
        main()
        printed = capsys.readouterr()
        return printed.out + printed.err

    return init


def test_the_file_and_the_schema_for_editors_are_written(init: Callable[..., str], tmp_path: Path) -> None:
    assert init() == "wrote compose.yaml and .compose.schema.json: start it with `windlass up`\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".compose.schema.json", "compose.yaml"]
    first = (tmp_path / "compose.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=./.compose.schema.json"


def test_a_file_that_is_there_is_left_alone(init: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text("mine")
    assert init().startswith("docker-compose.yml is there already: it is left as it is\n  hint:")
    assert not (tmp_path / "compose.yaml").exists()


def test_the_schema_may_be_left_out(init: Callable[..., str], tmp_path: Path) -> None:
    init("--no-schema")
    assert [path.name for path in tmp_path.iterdir()] == ["compose.yaml"]
    assert "$schema" not in (tmp_path / "compose.yaml").read_text()


@pytest.mark.parametrize("dockerfile", [True, False])
def test_what_is_written_can_be_started(read: Read, tmp_path: Path, dockerfile: bool) -> None:
    if dockerfile:
        (tmp_path / "Dockerfile").write_text("FROM debootstrap:bookworm\n")
    text = first_file(tmp_path, with_schema=True)
    stack = read(text)

    assert (stack.obstacles, stack.warnings) == ((), ())
    assert (stack.services["app"].build is not None) == dockerfile
    assert list(mistakes([("f", text.encode())])) == []


def test_lines_that_wait_for_their_user_are_right_as_well(read: Read, tmp_path: Path) -> None:
    lines = first_file(tmp_path, with_schema=False).splitlines()
    text = "\n".join(line.replace("# ", "", 1) for line in lines if "build: ." not in line)
    stack = read(text)

    assert stack.services["app"].environment == {"GREETING": "hello"}
    assert list(stack.volumes) == ["data"]
