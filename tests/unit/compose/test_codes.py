"""Every kind of mistake has a code, and every code an explanation whose examples are true."""

from collections.abc import Callable
from pathlib import Path

import pytest

from compose import codes
from compose.errors import FileError
from compose.model import Stack
from compose.showing.explanations.catalogue import CATALOGUE

Read = Callable[..., Stack]
CODES = {name: code for name, code in vars(codes).items() if name.isupper() and isinstance(code, str)}
WITHOUT_EXAMPLE = {
    codes.NO_FILE,
    codes.UNREADABLE,
    codes.TOO_LARGE,
    codes.WRONG_VALUE,
    codes.NOT_YET,
    codes.SEVERAL_FILES,
    codes.UNKNOWN_PROFILE,
    codes.IMAGE_MISSING,
    codes.CONTENT_MISSING,
    codes.NOTHING_TO_RUN,
    codes.PORT_TAKEN,
}


def _codes_of(read: Read, text: str) -> set[str]:
    try:
        stack = read(text, project_name="")
    except FileError as error:
        return {problem.code for problem in error.problems}
    return {problem.code for problem in (*stack.obstacles, *stack.warnings)}


def test_codes_are_given_once_and_stand_in_their_order() -> None:
    given = list(CODES.values())
    assert given == sorted(set(given))


def test_every_code_is_explained() -> None:
    assert list(CATALOGUE) == list(CODES.values())
    assert {code for code, explanation in CATALOGUE.items() if not explanation.wrong} == WITHOUT_EXAMPLE


@pytest.mark.parametrize("code", [code for code in CATALOGUE if code not in WITHOUT_EXAMPLE])
def test_the_wrong_example_has_the_mistake_and_the_right_one_none(read: Read, tmp_path: Path, code: str) -> None:
    explanation = CATALOGUE[code]
    for name, content in explanation.beside.items():
        (tmp_path / name).write_text(content)
    right = _codes_of(read, explanation.right) - {codes.NOT_YET}
    for name, content in explanation.beside_wrong.items():
        (tmp_path / name).write_text(content)
    wrong = _codes_of(read, explanation.wrong) - {codes.NOT_YET}

    assert (wrong, right) == ({code}, set())


def test_explanations_are_plain_text_of_the_house() -> None:
    for each in CATALOGUE.values():
        assert not each.title.endswith(".")
        assert not each.title[0].isupper()
        assert each.text.endswith(".\n"), each.code
        assert max(map(len, each.text.splitlines())) <= 120


def test_every_code_is_given_somewhere() -> None:
    root = Path(__file__).parents[3] / "compose"
    texts = [path.read_text() for path in root.rglob("*.py") if "explanations" not in path.parts]
    assert [name for name in CODES if not any(f"codes.{name}" in text for text in texts)] == []
