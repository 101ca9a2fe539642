"""Errors as the user sees them, with the exit status they stand for."""

import errno
import os
from typing import TextIO

from compose.cli.problems import show_problems
from compose.cli.streams import OutputError, UnreadError
from compose.cli.texts import printable
from compose.errors import ComposeError, FileError
from engine.errors import EngineError
from engine.version import VERSION
from net.errors import NetError

WRONG = 1
BUG = 70
INTERRUPTED = 130
NOBODY_READS = 141  # 128 and the number of SIGPIPE, as shells tell it
ROOM_HINTS = {
    errno.ENOSPC: "make room on that file system (df shows them), or use another",
    errno.EDQUOT: "make room on that file system (quota shows what you may use), or use another",
    errno.EROFS: "that file system is read-only: mount it writable, or use another",
    errno.EIO: "the disk does not do as it is told: dmesg may tell why",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "the machine has run out of open files: raise fs.file-max (sysctl)",
    errno.ENOMEM: "the machine, or this command's control group, has no memory left",
}
"""What the machine has run out of: no bug of ours, wherever it shows."""


def show(error: KeyboardInterrupt | Exception, stream: TextIO, *, color: bool = False) -> int:
    """Prints the error with its hint; returns the exit status. What nobody foresaw is shown as a bug of ours."""
    match error:
        case KeyboardInterrupt():
            return INTERRUPTED
        case UnreadError():
            return NOBODY_READS
        case FileError():
            show_problems(error.problems, stream, color=color)
            return WRONG
        case ComposeError() | EngineError() | NetError():
            write(stream, error.message, error.hint)
            return WRONG
        case OutputError():
            write(stream, f"cannot write the output: {error.strerror}", ROOM_HINTS.get(error.errno or 0, ""))
            return WRONG
        case OSError() if error.errno in ROOM_HINTS:
            where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
            write(stream, f"{where}{error.strerror}", ROOM_HINTS[error.errno])
            return WRONG
        case ImportError() | MemoryError() if _lack(error):
            write(stream, str(error) or os.strerror(errno.ENOMEM), ROOM_HINTS[_lack(error)])
            return WRONG
    return _show_other(error, stream)


def write(stream: TextIO, message: str, hint: str = "") -> None:
    """Prints a message; the hint's lines follow, indented."""
    stream.write(f"{printable(message)}\n")
    stream.writelines(f"  hint: {printable(line)}\n" for line in hint.splitlines())
    stream.flush()


def _lack(error: ImportError | MemoryError) -> int:
    """What the machine has run out of, as the loader of libraries says it (dlerror(3)); 0 for anything else."""
    message = str(error)
    if isinstance(error, MemoryError) or "failed to map segment" in message:
        return errno.ENOMEM
    return next((code for code in ROOM_HINTS if message.endswith(os.strerror(code))), 0)


def _show_other(error: Exception, stream: TextIO) -> int:
    import typer  # noqa: PLC0415 - loaded by now, unless loading it failed

    if isinstance(error, typer.TyperException):
        message = getattr(error, "format_message", error.__str__)().partition(" (Possible options")[0]
        context: typer.Context | None = getattr(error, "ctx", None)
        command = context.command_path if context else "windlass"
        meant = " or ".join(getattr(error, "possibilities", None) or ())
        hint = f"did you mean {meant}?" if meant else f"{command} --help shows what it knows"
        write(stream, f"{command}: {message}", hint)
        return WRONG
    import traceback  # noqa: PLC0415 - only a bug needs it

    traceback.print_exception(error, file=stream)
    write(stream, f"this is a bug in windlass {VERSION}: please report it with the lines above")
    return BUG
