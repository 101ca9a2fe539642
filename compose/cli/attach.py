"""`windlass attach`."""

import os
from typing import Annotated

from compose.cli.chosen import choose_running
from compose.cli.options import Argument, Option
from compose.cli.ownership import require_own
from compose.cli.session import Session
from compose.errors import UsageError
from compose.terminal.companionship import Companion
from compose.terminal.keyboard import DETACH_KEYS, parse_keys


def command(
    session: Session,
    service: Annotated[str, Argument("Whose container.")],
    *,
    index: Annotated[int, Option("--index", tells="The replica's number.")] = 0,
    no_stdin: Annotated[bool, Option("--no-stdin", tells="Pass no input on.")] = False,
    sig_proxy: Annotated[
        bool, Option("--sig-proxy/--no-sig-proxy", tells="Pass signals on, Ctrl-C among them: the default.")
    ] = True,
    detach_keys: Annotated[str, Option(tells="Keys that leave the container to itself.")] = DETACH_KEYS,
) -> int:
    """Joins our streams with those of a running container until it ends; its exit status becomes ours."""
    keys = parse_keys(detach_keys)
    session.refuse_dry_run("attach")
    session.require_root()
    place = session.stack_layout()
    record = choose_running(session, place, service, index)
    require_own(session, place.name, (record,))
    if record.spec.process.terminal and not no_stdin and not os.isatty(0):
        raise UsageError(
            f"{record.spec.name} has a terminal, but our standard input is none", hint="--no-stdin shows its output"
        )
    with session.connection(place) as connection:
        return Companion(connection, record, reads=not no_stdin, detach_keys=keys, signals=sig_proxy).join()
