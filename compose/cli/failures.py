"""Errors as the user sees them, with the exit status they stand for."""

from typing import TextIO

from compose.errors import ComposeError, FileError
from engine.errors import EngineError
from engine.version import VERSION
from net.errors import NetError

WRONG = 1
BUG = 70
INTERRUPTED = 130


def show(error: Exception, stream: TextIO) -> int:
    """Prints the error with its hint; returns the exit status. What nobody foresaw is shown as a bug of ours."""
    match error:
        case FileError():
            for problem in error.problems:
                write(stream, str(problem), problem.hint)
            return WRONG
        case ComposeError() | EngineError() | NetError():
            write(stream, error.message, error.hint)
            return WRONG
    return _show_other(error, stream)


def write(stream: TextIO, message: str, hint: str = "") -> None:
    """Prints a message; the hint's lines follow, indented."""
    stream.write(f"{message}\n")
    stream.writelines(f"  hint: {line}\n" for line in hint.splitlines())
    stream.flush()


def _show_other(error: Exception, stream: TextIO) -> int:
    import typer  # noqa: PLC0415 - loaded by now, unless loading it failed

    if isinstance(error, typer.TyperException):
        message = getattr(error, "format_message", error.__str__)()
        context: typer.Context | None = getattr(error, "ctx", None)
        command = context.command_path if context else "windlass"
        write(stream, f"{command}: {message}", f"{command} --help shows what it knows")
        return WRONG
    import traceback  # noqa: PLC0415 - only a bug needs it

    traceback.print_exception(error, file=stream)
    write(stream, f"this is a bug in windlass {VERSION}: please report it with the lines above")
    return BUG
