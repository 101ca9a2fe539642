"""Resolves what services and builds get from the project's variables and from env files."""

import os
from collections.abc import Callable, Iterable, Mapping

from compose import codes
from compose.errors import FileError, Problem
from compose.nodes import Node
from compose.places import Place
from compose.reading.dotenv import read_dotenv

Lookup = Callable[[str], str | None]


def env_file_variables(
    environment: Mapping[str, str],
    paths: Iterable[str],
    shown: Callable[[str], str],
    *,
    required: bool = True,
    place: Place | None = None,
) -> dict[str, str]:
    """The environment over the variables of env files, the last of which wins; `place` asks for them if a file does.

    Raises FileError.
    """
    values: dict[str, str] = {}
    for path in paths:
        try:
            with open(path, "rb") as file:
                data = file.read()
        except (FileNotFoundError, IsADirectoryError) as error:
            if not required:
                continue
            reason = "no such env file" if isinstance(error, FileNotFoundError) else "is a directory, not an env file"
            message = reason if place is None else f"{shown(path)}: {reason}"
            hint = "check the path" if place else "check --env-file"
            raise FileError((Problem(place or Place(shown(path)), message, hint, codes.ENV_FILE_MISSING),)) from None
        except OSError as error:
            message, hint = f"cannot be read: {error.strerror}", "name a file that you may read"
            raise FileError((Problem(Place(shown(path)), message, hint, codes.UNREADABLE),)) from None
        read = read_dotenv(data, shown(path), lookup=lambda name: environment.get(name, values.get(name)))
        values.update({name: value for name, value in read.items() if value is not None})
    return {**values, **environment}


class EnvFiles:
    """Reads the env files of services, each one once; collects problems.

    `defined` are the names that they set, each with the file that does. Relative paths begin in `directory`.
    """

    def __init__(self, variables: Mapping[str, str], shown: Callable[[str], str], directory: str = "/") -> None:
        self._variables = variables
        self._directory = directory
        self.defined: dict[str, str] = {}
        self._shown = shown
        self._contents: dict[str, bytes | None] = {}
        self.problems: list[Problem] = []

    def environment(self, service: Node) -> dict[str, Node]:
        """A service's whole environment: env files in their order, below its own `environment`."""
        files = service.fields.get("env_file")
        own = service.fields.get("environment")
        result: dict[str, Node] = {}
        for entry in files.entries if files else ():
            values = self._file(entry, result)
            result.update({name: Node(value, entry.place) for name, value in values.items() if value is not None})
        for name, node in own.fields.items() if own else ():
            result[name] = node if node.value is not None else node.with_value(self._variables.get(name))
        return result

    def labels(self, service: Node) -> dict[str, Node]:
        """A service's labels: those of its label files in their order, below its own."""
        files, own = service.fields.get("label_file"), service.fields.get("labels")
        result: dict[str, Node] = {}
        for entry in files.entries if files else ():
            data = self._content(str(entry.value), entry.place, required=True, kind="label")
            try:
                values = read_dotenv(data or b"", self._shown(str(entry.value)), lookup=self._variables.get)
            except FileError as error:
                self.problems.extend(problem for problem in error.problems if problem not in self.problems)
                continue
            result.update({name: Node(value or "", entry.place) for name, value in values.items()})
        return {**result, **(own.fields if own else {})}

    def _file(self, entry: Node, earlier: Mapping[str, Node]) -> Mapping[str, str | None]:
        path = os.path.join(self._directory, str(entry.fields["path"].value))
        required, form = entry.fields.get("required"), entry.fields.get("format")
        data = self._content(path, entry.place, required=required is None or required.value is True)
        if data is None:
            return {}

        def lookup(name: str) -> str | None:
            known = earlier.get(name)
            return self._variables.get(name, None if known is None else str(known.value))

        try:
            values = read_dotenv(data, self._shown(path), lookup=lookup, raw=form is not None and form.value == "raw")
        except FileError as error:
            self.problems.extend(problem for problem in error.problems if problem not in self.problems)
            return {}
        self.defined = {**dict.fromkeys(values, self._shown(path)), **self.defined}
        return values

    def _content(self, path: str, place: Place, *, required: bool, kind: str = "env") -> bytes | None:
        if path not in self._contents:
            try:
                with open(path, "rb") as file:
                    self._contents[path] = file.read()
            except FileNotFoundError:
                self._contents[path] = None
            except OSError as error:
                message = f"the {kind} file {path} cannot be read: {error.strerror}"
                self.problems.append(Problem(place, message, "name a file that you may read", codes.UNREADABLE))
                return None
        if self._contents[path] is None and required:
            hint = "make it, or write `required: false` beside `path:`"
            self.problems.append(Problem(place, f"the {kind} file {path} does not exist", hint, codes.ENV_FILE_MISSING))
        return self._contents[path]


def build_arguments(build: Node, variables: Mapping[str, str]) -> Node:
    """The build with its args' values; an argument without value that no variable gives is left out."""
    arguments = build.fields.get("args")
    if arguments is None:
        return build
    if type(arguments.value) is tuple:
        kept = tuple(entry for entry in arguments.entries if "=" in str(entry.value) or str(entry.value) in variables)
        return build.with_value({**build.fields, "args": arguments.with_value(kept)})
    resolved: dict[str, Node] = {}
    for name, node in arguments.fields.items():
        value = variables.get(name) if node.value is None else node.value
        if value is not None:
            resolved[name] = node.with_value(value)
    return build.with_value({**build.fields, "args": arguments.with_value(resolved)})
