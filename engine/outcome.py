"""Carries the failure of a start from the container's process to the one who started it.

The pipe's writing end closes when a program is executed: silence is success, anything else is one JSON object.
"""

import os
from typing import NoReturn

import msgspec

from engine.errors import EngineError, StartError

_LONGEST = 1 << 16


class _Failure(msgspec.Struct, frozen=True, kw_only=True):
    message: str
    hint: str
    stage: str
    errno: int
    exit_code: int


def fail(outcome_fd: int, stage: str, error: BaseException) -> NoReturn:
    """Writes what went wrong and ends this process; nothing of it is ever left running."""
    failure = _describe(stage, error)
    try:
        os.write(outcome_fd, msgspec.json.encode(failure))
    finally:
        os._exit(failure.exit_code)


def read_outcome(outcome_fd: int) -> StartError | None:
    """Waits for the end of a start and closes the pipe; None when the program was executed."""
    try:
        told = b""
        while chunk := os.read(outcome_fd, _LONGEST):
            told += chunk
    finally:
        os.close(outcome_fd)
    if not told:
        return None
    try:
        failure = msgspec.json.decode(told, type=_Failure)
    except msgspec.MsgspecError:
        return StartError("the container's process broke off in the middle of a report", stage="report")
    return StartError(
        failure.message, stage=failure.stage, errno=failure.errno, exit_code=failure.exit_code, hint=failure.hint
    )


def _describe(stage: str, error: BaseException) -> _Failure:
    if isinstance(error, StartError):
        return _Failure(
            message=error.message, hint=error.hint, stage=error.stage, errno=error.errno, exit_code=error.exit_code
        )
    errno = getattr(error, "errno", None) or 0
    hint = error.hint if isinstance(error, EngineError) else ""
    shown = str(error) if isinstance(error, EngineError | OSError) else repr(error)
    return _Failure(message=f"{stage}: {shown}", hint=hint, stage=stage, errno=errno, exit_code=125)
