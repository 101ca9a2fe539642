"""`windlass version`."""

import sys
from typing import Annotated

from compose.cli.choices import one_of
from compose.cli.options import Option
from compose.cli.session import Session
from engine.version import VERSION


def command(
    session: Session,
    *,
    short: Annotated[bool, Option("--short", tells="The number alone.")] = False,
    output: Annotated[str, Option("--format", "-f", tells="pretty or json.")] = "pretty",
) -> None:
    """Tells the version."""
    del session  # like every verb
    if one_of("--format", output, ("pretty", "json")) == "json":
        text = f'{{"version":"{VERSION}"}}'
    else:
        text = VERSION if short else f"windlass version {VERSION}"
    sys.stdout.write(f"{text}\n")
