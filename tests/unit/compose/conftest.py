"""Reads texts as the files of a project."""

from collections.abc import Callable
from pathlib import Path

import pytest

from compose.errors import FileError
from compose.model import Stack
from compose.reading.reader import ReadRequest, read_stack


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Stack]:
    """Reads one compose.yaml with a text; fields of ReadRequest may be given by name."""

    def read(text: str, **options: object) -> Stack:
        (tmp_path / "compose.yaml").write_text(text)
        request = ReadRequest(working_directory=str(tmp_path), environment={"HOME": "/home/me"}, project_name="proj")
        return read_stack(request._replace(**options))

    return read


@pytest.fixture
def problems(read: Callable[..., Stack]) -> Callable[..., str]:
    """Everything that `up` refuses a text with: a line for each problem, an indented one for each hint."""

    def problems(text: str, **options: object) -> str:
        try:
            found = read(text, **options).obstacles
        except FileError as error:
            found = error.problems
        return "\n".join(line for each in found for line in (str(each), "  " + each.hint) if line.strip())

    return problems
