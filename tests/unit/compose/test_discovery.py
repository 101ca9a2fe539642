from collections.abc import Callable
from pathlib import Path

import pytest

from compose.errors import FileError
from compose.model import Stack
from compose.reading.discovery import derived_name, find_project
from compose.reading.reader import ReadRequest, read_stack

Read = Callable[..., Stack]
Problems = Callable[..., str]
SMALL = "services: {a: {image: x}}\n"


def stack_in(directory: Path, **fields: object) -> Stack:
    environment = fields.pop("environment", {})
    request = ReadRequest(working_directory=str(directory), environment={"HOME": "/home/me"} | environment)  # type: ignore[operator]
    return read_stack(request._replace(**fields))


def test_files_are_found_by_their_names_in_order_then_in_folders_above(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "stack.yaml").write_text(SMALL)
    assert find_project((), "", str(inner), {}).files == (f"{tmp_path}/stack.yaml",)
    (tmp_path / "docker-compose.yml").write_text(SMALL)
    found = find_project((), "", str(inner), {})
    assert found.files == (f"{tmp_path}/docker-compose.yml",)
    assert found.directory == str(tmp_path)
    assert [str(warning) for warning in found.warnings] == [
        f"{tmp_path}: holds docker-compose.yml and stack.yaml: only docker-compose.yml is read"
    ]


def test_no_file_is_told_without_a_line(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        stack_in(tmp_path, files=("nothing.yaml",))
    assert str(caught.value) == "nothing.yaml: no such file"


def test_the_override_beside_it_is_laid_over_the_file_unless_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(SMALL)
    (tmp_path / "compose.override.yml").write_text("services: {a: {image: y}}\n")
    assert stack_in(tmp_path).services["a"].image == "y"
    assert stack_in(tmp_path, files=("compose.yaml",)).services["a"].image == "x"
    assert stack_in(tmp_path, environment={"COMPOSE_FILE": "compose.yaml"}).services["a"].image == "x"


def test_the_name_comes_from_p_then_the_environment_then_the_file_then_the_directory(tmp_path: Path) -> None:
    folder = tmp_path / "_My App.2"
    folder.mkdir()
    (folder / "compose.yaml").write_text(SMALL)
    assert stack_in(folder).name == "myapp2"
    (folder / "compose.yaml").write_text("name: ${N:-file}\n" + SMALL)
    assert stack_in(folder).name == "file"
    assert stack_in(folder, environment={"COMPOSE_PROJECT_NAME": "env"}).name == "env"
    assert stack_in(folder, environment={"COMPOSE_PROJECT_NAME": "env"}, project_name="p").name == "p"


def test_a_given_name_is_not_mended(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(SMALL)
    with pytest.raises(FileError, match="'Foo' is no name for a project"):
        stack_in(tmp_path, project_name="Foo")
    assert derived_name("/x/__-Foo") == "foo"


def test_files_may_use_the_name(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("name: n1\nservices: {a: {image: '${COMPOSE_PROJECT_NAME}-x'}}\n")
    assert stack_in(tmp_path).services["a"].image == "n1-x"


def test_the_dotenv_of_the_file_s_folder_counts_below_the_environment(tmp_path: Path) -> None:
    sub = tmp_path / "sub"
    sub.mkdir()
    (tmp_path / ".env").write_text("A=cwd\n")
    (sub / ".env").write_text("A=sub\nB=sub\n")
    (sub / "compose.yaml").write_text("services: {a: {image: '$A-$B'}}\n")
    stack = stack_in(tmp_path, files=("sub/compose.yaml",), environment={"B": "shell"})
    assert stack.services["a"].image == "sub-shell"
    assert stack.directory == str(sub)
    (tmp_path / "other.env").write_text("A=other\n")
    stack = stack_in(tmp_path, files=("sub/compose.yaml",), env_files=("other.env",))
    assert stack.services["a"].image == "other-"
    assert tuple(map(str, stack.warnings)) == (
        "sub/compose.yaml:1:23: the variable B is not set; it is taken as empty",
    )


def test_standard_input_is_a_file(tmp_path: Path) -> None:
    stack = stack_in(tmp_path, files=("-",), stdin=SMALL.encode)
    assert stack.services["a"].image == "x"
    with pytest.raises(FileError) as caught:
        stack_in(tmp_path, files=("-",), stdin=lambda: b"services: {a: {imag: x}}")
    assert str(caught.value).startswith("-:1:16: services.a has no key 'imag'")


def test_profiles_come_from_the_command_line_the_environment_or_a_named_service(tmp_path: Path) -> None:
    text = "services: {a: {image: x}, b: {image: x, profiles: [p]}, c: {image: x, profiles: [q, r]}}\n"
    (tmp_path / "compose.yaml").write_text(text)
    assert list(stack_in(tmp_path).services) == ["a"]
    assert list(stack_in(tmp_path).disabled) == ["b", "c"]
    assert list(stack_in(tmp_path, profiles=("p",)).services) == ["a", "b"]
    assert list(stack_in(tmp_path, profiles=("*",)).services) == ["a", "b", "c"]
    assert list(stack_in(tmp_path, environment={"COMPOSE_PROFILES": "q,p"}).services) == ["a", "b", "c"]
    assert list(stack_in(tmp_path, services=("c",)).services) == ["a", "c"]


def test_env_files_lie_below_the_environment_and_the_last_one_wins(
    tmp_path: Path, read: Read, problems: Problems
) -> None:
    (tmp_path / "a.env").write_text("A=1\nB=1\nC=$HOME\n")
    (tmp_path / "b.env").write_text("B=2\nD=${A}x\n")
    (tmp_path / "raw.env").write_text("R='$A'\n")
    text = """
services:
  a:
    image: x
    env_file: [a.env, b.env, {path: raw.env, format: raw}, {path: none.env, required: false}]
    environment: {A: 3}
"""
    values = {"A": "3", "B": "2", "C": "/home/me", "D": "1x", "R": "'$A'"}
    assert read(text).services["a"].environment == values
    assert problems("services: {a: {image: x, env_file: none.env}}\n") == (
        f"compose.yaml:1:36: the env file {tmp_path}/none.env does not exist\n"
        "  make it, or write `required: false` beside `path:`"
    )
