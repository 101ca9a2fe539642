"""Where a project's files and variables come from."""

from pathlib import Path

import pytest

from compose.errors import FileError
from compose.reading.surroundings import Surroundings, Wishes, find_surroundings


def surroundings(place: Path, environment: dict[str, str] | None = None, **wishes: object) -> Surroundings:
    return find_surroundings(Wishes(**wishes), str(place), environment or {}, str)  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in ("compose.yaml", "other.yaml", "sub/a.yaml"):
        (tmp_path / name).write_text("services: {}\n")
    (tmp_path / "sub" / ".env").write_text("A=sub\nB=sub\n")
    (tmp_path / "x.env").write_text("A=x\n")
    return tmp_path


def test_the_env_file_beside_a_named_file_counts_alone(place: Path) -> None:
    (place / ".env").write_text("A=top\nC=top\n")
    found = surroundings(place, files=("sub/a.yaml",))
    assert found.project.directory == f"{place}/sub"
    assert found.variables == {"PWD": str(place), "A": "sub", "B": "sub"}


def test_the_working_directorys_env_file_may_name_the_files_and_lies_over_theirs(place: Path) -> None:
    (place / ".env").write_text("COMPOSE_FILE=sub/a.yaml;other.yaml\nCOMPOSE_PATH_SEPARATOR=;\nA=top\n")
    found = surroundings(place)
    assert found.project.files == (f"{place}/sub/a.yaml", f"{place}/other.yaml")
    assert (found.variables["A"], found.variables["B"]) == ("top", "sub")


def test_the_environment_lies_over_every_file(place: Path) -> None:
    (place / ".env").write_text("COMPOSE_FILE=sub/a.yaml\nA=top\n")
    found = surroundings(place, {"COMPOSE_FILE": "other.yaml", "A": "shell"})
    assert found.project.files == (f"{place}/other.yaml",)
    assert found.variables["A"] == "shell"


def test_named_env_files_replace_the_others(place: Path) -> None:
    (place / ".env").write_text("A=top\nC=top\n")
    assert surroundings(place, {"PWD": "/"}, env_files=("x.env",)).variables == {"PWD": "/", "A": "x"}
    by_environment = surroundings(place, {"PWD": "/", "COMPOSE_ENV_FILES": "x.env,sub/.env"}).variables
    assert (by_environment["A"], by_environment["B"]) == ("sub", "sub")


@pytest.mark.parametrize(("word", "wanted"), [("1", {}), ("true", {}), ("0", {"A": "top"}), ("", {"A": "top"})])
def test_env_files_may_be_switched_off(place: Path, word: str, wanted: dict[str, str]) -> None:
    (place / ".env").write_text("A=top\n")
    found = surroundings(place, {"PWD": "/", "COMPOSE_DISABLE_ENV_FILE": word}).variables
    assert found == {"PWD": "/", "COMPOSE_DISABLE_ENV_FILE": word, **wanted}


def test_a_switch_is_true_or_false(place: Path) -> None:
    with pytest.raises(FileError, match="COMPOSE_DISABLE_ENV_FILE: 'maybe' is neither true nor false"):
        surroundings(place, {"COMPOSE_DISABLE_ENV_FILE": "maybe"})
