"""Whole files of real applications are read without a change, and printed as Docker Compose prints them."""

from pathlib import Path

import pytest

from compose.printing.canonical import canonical
from compose.printing.jsontext import json_text
from compose.printing.yamltext import yaml_text
from compose.reading.reader import ReadRequest, read_stack

FOLDERS = sorted(path.parent for path in (Path(__file__).parents[2] / "files").glob("*/compose.yaml"))
ENVIRONMENT = {"HOME": "/home/me"}


def test_there_are_enough_of_them() -> None:
    assert len(FOLDERS) >= 13


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_whole_file_is_printed_as_docker_compose_prints_it(folder: Path) -> None:
    stack = read_stack(ReadRequest(working_directory=str(folder), environment=ENVIRONMENT))

    printed = json_text(canonical(stack, as_json=True))
    assert printed.replace(str(folder), "<DIR>") == (folder / "expected.json").read_text()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_printed_is_read_as_the_same_stack(folder: Path) -> None:
    request = ReadRequest(working_directory=str(folder), environment=ENVIRONMENT)
    text = yaml_text(canonical(read_stack(request)))
    again = read_stack(request._replace(files=("-",), project_directory=str(folder), stdin=text.encode))

    assert yaml_text(canonical(again)) == text
