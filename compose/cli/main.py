"""The door of the command line: from the words typed to the exit status."""

import os
import sys
from collections.abc import Sequence

from engine.version import VERSION


def main() -> int:
    """Runs the command that was typed; returns its exit status."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:  # answered without loading what parses options
        sys.stdout.write(f"windlass version {VERSION}\n")
        return 0
    return run(arguments)


def run(arguments: Sequence[str]) -> int:
    """Runs a command. Bad input ends in a message and 1, an interrupt in 130, a bug of ours in a traceback and 70."""
    from compose.cli import failures  # noqa: PLC0415 - `--version` needs none of it

    try:
        from compose.cli.verbs import carry_out  # noqa: PLC0415 - likewise; and Ctrl-C is caught while it loads

        status = carry_out(list(arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return failures.INTERRUPTED
    except BrokenPipeError:
        _close_quietly()
        return 0
    except Exception as error:  # noqa: BLE001 - this is where every error ends, and becomes a message
        return failures.show(error, sys.stderr)
    return status


def _close_quietly() -> None:
    """Keeps the interpreter from complaining at its end that nobody reads standard output."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
