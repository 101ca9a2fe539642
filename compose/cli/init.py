"""`windlass init`."""

import sys
from pathlib import Path
from typing import Annotated

from compose.cli.options import Option
from compose.cli.schema import PUBLISHED
from compose.cli.session import Session
from compose.errors import UsageError
from compose.reading.discovery import derived_name

FILE = "compose.yaml"
SCHEMA = ".compose.schema.json"
_TAKEN = (FILE, "compose.yml", "docker-compose.yaml", "docker-compose.yml")

_HEAD = f"""\
# yaml-language-server: $schema=./{SCHEMA}
# The line above tells editors what may stand here. `windlass check` tells what is wrong, `windlass up` starts it.
"""
_BUILT = """\
services:
  app:
    build: .
    restart: unless-stopped
    # ports:
    #   - "8080:80"          # the host's port 8080 leads to the container's port 80
    # environment:
    #   GREETING: hello
    # volumes:
    #   - data:/data         # what is written there outlives the container
# volumes:
#   data:
"""
_MADE = """\
services:
  app:
    image: debootstrap:bookworm       # a small Debian, from its signed packages
    command: [sh, -c, 'echo "hello from $$(hostname)"; exec sleep infinity']
    init: true
    restart: unless-stopped
    # build: .                        # instead of the image: a directory with a Dockerfile
    # ports:
    #   - "8080:80"                   # the host's port 8080 leads to the container's port 80
    # environment:
    #   GREETING: hello
    # volumes:
    #   - data:/data                  # what is written there outlives the container
# volumes:
#   data:
"""


def command(
    session: Session,
    *,
    no_schema: Annotated[bool, Option("--no-schema", tells="Do not write the schema for editors beside it.")] = False,
) -> None:
    """Writes a first compose.yaml, which `windlass up` can start, in the directory where it is typed."""
    directory = Path(session.options.project_directory or ".")
    taken = next((name for name in _TAKEN if (directory / name).exists()), "")
    if taken:
        raise UsageError(
            f"{directory / taken} is there already: it is left as it is",
            hint="begin in another directory, or move the file away",
        )
    text = first_file(directory.absolute(), with_schema=not no_schema)
    written = [FILE]
    try:
        with (directory / FILE).open("x", encoding="utf-8") as file:
            file.write(text)
        if not no_schema:
            (directory / SCHEMA).write_bytes(PUBLISHED.read_bytes())
            written.append(SCHEMA)
    except OSError as error:
        raise UsageError(
            f"{directory / FILE} cannot be written: {error.strerror}", hint="begin in a directory that you may write to"
        ) from None
    sys.stdout.write(f"wrote {' and '.join(written)}: start it with `windlass up`\n")


def first_file(directory: Path, *, with_schema: bool) -> str:
    """What a first file for a directory says: a build of its Dockerfile, else a small Debian."""
    name = derived_name(str(directory)) or "stack"
    body = _BUILT if (directory / "Dockerfile").exists() else _MADE
    return f"{_HEAD if with_schema else ''}name: {name}\n{body}"
