"""Finds a project with the variables around it: the environment, then env files, which may name its files in turn."""

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from compose import codes
from compose.errors import FileError, Problem
from compose.places import Place
from compose.reading.discovery import Project, find_project
from compose.reading.environments import env_file_variables

_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("", "0", "f", "F", "false", "FALSE", "False"))


class Wishes(NamedTuple):
    """What the command line says: -f, --project-directory, --env-file."""

    files: tuple[str, ...] = ()
    project_directory: str = ""
    env_files: tuple[str, ...] = ()


class Surroundings(NamedTuple):
    """A project, the variables that its files may use, and the files with variables, each over those before it."""

    project: Project
    variables: dict[str, str]
    env_files: tuple[str, ...]


def find_surroundings(
    wishes: Wishes, working_directory: str, environment: Mapping[str, str], shown: Callable[[str], str]
) -> Surroundings:
    """The project and its variables; raises FileError.

    Without --env-file the working directory's .env is read, and the project's below it; with -f the latter alone.
    """
    variables: dict[str, str] = {"PWD": working_directory, **environment}
    files, directory, named = wishes
    named = named or tuple(filter(None, environment.get("COMPOSE_ENV_FILES", "").split(",")))
    silent = _is_true(environment, "COMPOSE_DISABLE_ENV_FILE")
    first = os.path.normpath(os.path.join(working_directory, directory, ".env"))
    paths = [os.path.join(working_directory, os.path.expanduser(name)) for name in named]
    if named:
        variables = env_file_variables(variables, paths, shown)
    elif not silent and not files:
        paths = [first]
        variables = env_file_variables(variables, paths, shown, required=False)
    project = find_project(files, directory, working_directory, variables)
    own = os.path.join(project.directory, ".env")
    if not named and not silent and (files or own != first):
        variables = env_file_variables(variables, (own,), shown, required=False)
        paths.insert(0, own)
    return Surroundings(project, variables, tuple(path for path in paths if os.path.exists(path)))


def _is_true(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name, "")
    if text not in _TRUE | _FALSE:
        message = f"'{text}' is neither true nor false"
        raise FileError((Problem(Place(name), message, "set it to true or false", codes.WRONG_VALUE),))
    return text in _TRUE
