"""The door of the command line: from the words typed to the exit status."""

import gc
import os
import sys
from collections.abc import Sequence

from engine.version import VERSION

_COLLECT_EVERY = 50_000  # objects; the usual 700 make every import stop several times to find no garbage


def program() -> None:
    """What `windlass` calls. Ends the process at once: taking the interpreter apart would cost 10 ms."""
    gc.set_threshold(_COLLECT_EVERY)
    _open_what_is_closed()
    status = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # nobody reads, and nobody is left to be told
    os._exit(status)


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


def _open_what_is_closed() -> None:
    """Gives standard streams that the caller has closed (`>&-`) to /dev/null, before a socket takes their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - open to the end


def _close_quietly() -> None:
    """Keeps the interpreter from complaining at its end that nobody reads standard output."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
