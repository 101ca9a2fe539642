"""A stack's name without the whole file: most files say it in one plain line, or leave it to their directory."""

from collections.abc import Mapping
from typing import Protocol

from compose.errors import UsageError
from compose.reading.discovery import STDIN, derived_name, is_project_name
from compose.reading.surroundings import Wishes, find_surroundings
from engine.lean import PatternsOnDemand


class Choice(Protocol):
    """The options that bear on the name."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files named with -f."""

    @property
    def project_name(self) -> str:
        """What -p says."""

    @property
    def project_directory(self) -> str:
        """What --project-directory says."""

    @property
    def env_files(self) -> tuple[str, ...]:
        """What --env-file says."""


def project_name(options: Choice, working_directory: str, environment: Mapping[str, str]) -> str:
    """-p, else COMPOSE_PROJECT_NAME, else the last file's `name`, else the directory's name."""
    if options.project_name:
        return _checked(options.project_name)
    if not options.files and environment.get("COMPOSE_PROJECT_NAME"):
        return _checked(environment["COMPOSE_PROJECT_NAME"])
    wishes = Wishes(options.files, options.project_directory, options.env_files)
    project, variables, _ = find_surroundings(wishes, working_directory, environment, str)
    if variables.get("COMPOSE_PROJECT_NAME"):
        return _checked(variables["COMPOSE_PROJECT_NAME"])
    for file in reversed(project.files):
        if file == STDIN:
            raise UsageError(
                "this verb does not read standard input", hint="name the stack with -p, or the file with -f"
            )
        with open(file, encoding="utf-8", errors="replace") as stream:  # noqa: PTH123 - pathlib is not loaded yet
            text = stream.read()
        name = name_line(text)
        if name is None:
            return _read_whole(options, working_directory, environment)
        if name:
            return _checked(name)
    return derived_name(project.directory)


def name_line(text: str) -> str | None:
    """The name that a file's plain top-level line gives, empty when it gives none; None when only YAML can tell.

    Certain are files whose top level is written in the ordinary way: `services:` at the start of a line, and at
    most one line that starts with `name`.
    """
    lines = text.splitlines()
    if not any(line.startswith("services:") for line in lines) or any(line.startswith(("---", "{")) for line in lines):
        return None
    names = [line for line in lines if line.startswith(("name", '"name', "'name"))]
    if not names:
        return ""
    key, _, value = names[0].partition(":")
    name = value.partition(" #")[0].strip()
    return name if len(names) == 1 and key == "name" and is_project_name(name) and not name[0].isdigit() else None


def _read_whole(options: Choice, working_directory: str, environment: Mapping[str, str]) -> str:
    with PatternsOnDemand():
        from compose.reading.reader import ReadRequest, read_stack  # noqa: PLC0415 - the rare file that needs it

    request = ReadRequest(
        files=options.files,
        project_directory=options.project_directory,
        env_files=options.env_files,
        working_directory=working_directory,
        environment=dict(environment),
    )
    return read_stack(request).name


def _checked(name: str) -> str:
    if not is_project_name(name):
        raise UsageError(
            f"'{name}' cannot be a stack's name",
            hint="use lower-case letters, digits, '_' and '-', first a letter or digit",
        )
    return name
