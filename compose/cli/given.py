"""The variables that the command line gives to a program."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from compose.errors import UsageError


def given_variables(environment: Mapping[str, str], texts: Sequence[str], files: Sequence[str] = ()) -> dict[str, str]:
    """NAME=VALUE, or NAME alone for the value that it has here; those of files come below."""
    variables: dict[str, str] = {}
    for file in files:
        from compose.reading.dotenv import read_dotenv  # noqa: PLC0415 - rarely asked for

        try:
            content = Path(file).read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read {file}: {error.strerror}", hint="check --env-from-file") from None
        found = read_dotenv(content, file, lookup=environment.get)
        variables.update({name: value for name, value in found.items() if value is not None})
    for text in texts:
        name, equals, value = text.partition("=")
        if equals or name in environment:
            variables[name] = value if equals else environment[name]
    return variables
