"""`windlass schema`."""

import sys
from pathlib import Path
from typing import Annotated

from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.errors import FileError, UsageError

PUBLISHED = Path(__file__).parents[1] / "compose.schema.json"


def command(
    session: Session,
    files: Annotated[list[str] | None, Argument("Files to check; with --check alone.")] = None,
    *,
    to_file: Annotated[str, Option("--output", "-o", tells="Write to this file.")] = "",
    check: Annotated[bool, Option("--check", tells="Hold files against the schema, variables being names.")] = False,
) -> None:
    """Prints the JSON Schema of Compose files, for editors."""
    del session  # like every verb
    if check:
        _check(files or [])
        return
    if files:
        raise UsageError("windlass schema takes no files", hint="say --check to hold files against the schema")
    if to_file:
        Path(to_file).write_bytes(PUBLISHED.read_bytes())
    else:
        sys.stdout.write(PUBLISHED.read_text(encoding="utf-8"))


def _check(files: list[str]) -> None:
    from compose.reading.schema_check import mistakes  # noqa: PLC0415 - printing does without

    if not files:
        raise UsageError("windlass schema --check names no file", hint="windlass schema --check compose.yaml")
    problems = tuple(mistakes((file, _content(file)) for file in files))
    if problems:
        raise FileError(problems)


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", hint="name a file that you may read") from None
