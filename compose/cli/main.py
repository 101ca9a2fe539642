"""The door of the command line: from the words typed to the exit status."""

import gc
import os
import sys
from collections.abc import Sequence

from compose.cli.streams import open_standard_streams
from engine.lean import load_msgspec
from engine.version import VERSION

_COLLECT_EVERY = 50_000  # objects; the usual 700 make every import stop several times to find no garbage


def program() -> None:
    """What `windlass` calls. Ends the process at once: taking the interpreter apart would cost 10 ms."""
    gc.set_threshold(_COLLECT_EVERY)
    open_standard_streams()
    os._exit(main())


def main() -> int:
    """Runs the command that was typed; returns its exit status."""
    return run(sys.argv[1:])


def run(arguments: Sequence[str]) -> int:
    """Runs a command. Bad input ends in a message and 1, an interrupt in 130, a bug of ours in a traceback and 70.

    When nobody reads its output any more, it ends as a program does that SIGPIPE has killed.
    """
    try:
        try:
            status = _carry_out(list(arguments))
        except Exception:
            sys.stdout.flush()  # not after Ctrl-C: whoever should read may be stopped
            raise
        sys.stdout.flush()
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - every error ends here, and becomes a message
        from compose.cli import colors, failures  # noqa: PLC0415 - most commands need none of it

        return failures.show(error, sys.stderr, color=colors.wanted(colors.typed(arguments), os.environ, sys.stderr))
    return status


def _carry_out(arguments: list[str]) -> int:
    if arguments == ["--version"]:  # answered without loading what parses options
        sys.stdout.write(f"windlass version {VERSION}\n")
        return 0
    if arguments[:1] == ["compose"]:  # what calls `docker compose` needs no more than another program's name
        del arguments[0]
    load_msgspec()
    from compose.cli.verbs import carry_out  # noqa: PLC0415 - Ctrl-C is caught while it loads

    return carry_out(arguments)
