"""`windlass ps`."""

import sys
import time
from typing import Annotated

from compose.cli.choices import one_of
from compose.cli.chosen import choose
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.listing import containers_json, containers_table
from compose.observe import containers


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services.")] = None,
    *,
    everything: Annotated[bool, Option("--all", "-a", tells="Stopped containers, too.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Ids only.")] = False,
    output: Annotated[str, Option("--format", tells="table or json (one object a line).")] = "table",
    names_only: Annotated[bool, Option("--services", tells="Names of services only.")] = False,
) -> None:
    """Lists the containers, whether a supervisor lives or not."""
    one_of("--format", output, ("table", "json"))
    session.require_root()
    found = choose(session, containers(session.stack_layout()), services or ())
    shown = [record for record in found if everything or record.state.status in {"running", "restarting"}]
    if quiet:
        text = "".join(f"{record.spec.id}\n" for record in shown)
    elif names_only:
        text = "".join(f"{name}\n" for name in dict.fromkeys(record.spec.service for record in shown))
    elif output == "json":
        text = containers_json(shown, now_ns=time.time_ns())
    else:
        text = containers_table(shown, now_ns=time.time_ns())
    sys.stdout.write(text)
