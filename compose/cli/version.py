"""`windlass version`."""

import sys
from typing import Annotated

import typer

from compose.cli.choices import one_of
from engine.version import VERSION


def command(
    *,
    short: Annotated[bool, typer.Option("--short", help="The number alone.")] = False,
    output: Annotated[str, typer.Option("--format", "-f", help="pretty or json.")] = "pretty",
) -> None:
    """Tells the version."""
    if one_of("--format", output, ("pretty", "json")) == "json":
        text = f'{{"version":"{VERSION}"}}'
    else:
        text = VERSION if short else f"windlass version {VERSION}"
    sys.stdout.write(f"{text}\n")
