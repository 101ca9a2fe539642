"""A stack's name without the whole file."""

from pathlib import Path
from typing import NamedTuple

import pytest

from compose.errors import UsageError
from compose.reading.project_name import name_line, project_name


class Chosen(NamedTuple):
    files: tuple[str, ...] = ()
    project_name: str = ""
    project_directory: str = ""
    env_files: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("services:\n  web: {}\n", ""),
        ("name: shop\nservices:\n", "shop"),
        ("# name: other\nname: shop # ours\nservices:\n", "shop"),
        ("services:\n  web:\n    name: x\n", ""),
        ("name: ${NAME}\nservices:\n", None),
        ('name: "shop"\nservices:\n', None),
        ("name: a\nname: b\nservices:\n", None),
        ("name: 010\nservices:\n", None),
        ("{name: shop, services: {}}\n", None),
        ("---\nname: shop\nservices:\n", None),
        ("include: [x]\n", None),
    ],
)
def test_only_a_plain_name_is_taken_without_yaml(text: str, expected: str | None) -> None:
    assert name_line(text) == expected


def test_the_option_wins_over_the_environment_over_env_file_over_file_over_directory(tmp_path: Path) -> None:
    place = tmp_path / "Web.Shop"
    place.mkdir()
    file = place / "compose.yaml"
    file.write_text("services:\n  web:\n    image: x\n")

    assert project_name(Chosen(), str(place), {}) == "webshop"
    file.write_text("name: fromfile\nservices:\n  web:\n    image: x\n")
    assert project_name(Chosen(), str(place), {}) == "fromfile"
    file.write_text("name: 'quoted'\nservices:\n  web:\n    image: x\n")
    assert project_name(Chosen(), str(place), {}) == "quoted"
    (place / ".env").write_text("COMPOSE_PROJECT_NAME=fromenvfile\n")
    assert project_name(Chosen(), str(place), {}) == "fromenvfile"
    assert project_name(Chosen(), str(place), {"COMPOSE_PROJECT_NAME": "fromenv"}) == "fromenv"
    assert project_name(Chosen(project_name="given"), str(place), {"COMPOSE_PROJECT_NAME": "fromenv"}) == "given"


def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'Foo' cannot be a stack's name"):
        project_name(Chosen(project_name="Foo"), str(tmp_path), {})
