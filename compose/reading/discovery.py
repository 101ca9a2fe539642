"""Finds a project's files, its directory and its name."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from compose import codes
from compose.errors import FileError, Problem
from compose.places import Place

_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml", "stack.yaml")
_OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
STDIN = "-"


class Project(NamedTuple):
    """Where a project lies: absolute paths (or "-") of its files, the directory, warnings about the choice."""

    files: tuple[str, ...]
    directory: str
    warnings: tuple[Problem, ...] = ()


def find_project(
    files: tuple[str, ...], directory: str, working_directory: str, environment: Mapping[str, str]
) -> Project:
    """The files that were named, or those that lie in the working directory or above it; raises FileError."""
    warnings: list[Problem] = []
    if not files and environment.get("COMPOSE_FILE"):
        files = tuple(filter(None, environment["COMPOSE_FILE"].split(environment.get("COMPOSE_PATH_SEPARATOR") or ":")))
    if files:
        found = tuple(file if file == STDIN else _absolute(file, working_directory) for file in files)
    else:
        found = _discovered(directory or working_directory, warnings)
    first = next((file for file in found[:1] if file != STDIN), "")
    base = _absolute(directory, working_directory) if directory else os.path.dirname(first) or working_directory
    return Project(found, os.path.normpath(base), tuple(warnings))


def _absolute(path: str, directory: str) -> str:
    return os.path.normpath(os.path.join(directory, os.path.expanduser(path)))


def _discovered(start: str, warnings: list[Problem]) -> tuple[str, ...]:
    folder = os.path.abspath(start)
    while True:
        present = _present(folder, _NAMES)
        if present:
            break
        above = os.path.dirname(folder)
        if above == folder:
            hint = f"make one ({', '.join(_NAMES[:3])} ...), or name one with -f"
            place, message = Place(os.path.join(start, _NAMES[0])), "no Compose file here or in a folder above"
            problem = Problem(place, message, hint, codes.NO_FILE)
            raise FileError((problem,))
        folder = above
    if len(present) > 1:
        message, hint = f"holds {' and '.join(present)}: only {present[0]} is read", "remove one, or name it with -f"
        warnings.append(Problem(Place(folder), message, hint, codes.SEVERAL_FILES))
    override = _present(folder, _OVERRIDES)
    return tuple(os.path.join(folder, name) for name in (present[0], *override[:1]))


def _present(folder: str, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if os.path.exists(os.path.join(folder, name))]


def derived_name(directory: str) -> str:
    """The project name that a directory, or the file's `name`, gives: lower case, only letters, digits, _ and -."""
    name = os.path.basename(directory).lower()
    return "".join(each for each in name if each in _NAME_MARKS).lstrip("_-")


_NAME_MARKS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


def is_project_name(name: str) -> bool:
    """Whether a name can be a project's as it stands."""
    return bool(name) and name[0] not in "_-" and _NAME_MARKS.issuperset(name)
