"""Standard streams that tell what became of what was written."""

import io
import os
import sys
from typing import Any


class OutputError(OSError):
    """Standard output does not take what is written to it."""


class UnreadError(BrokenPipeError):
    """Standard output is a pipe that nobody reads any more."""


class _Output(io.FileIO):
    """Standard output; its failures are told apart from those of any other file."""

    def write(self, data: Any, /) -> int:
        try:
            return _write_all(super().write, self.fileno(), data)
        except BrokenPipeError as error:
            raise UnreadError(*error.args) from None
        except OSError as error:
            raise OutputError(*error.args) from None


class _Messages(io.FileIO):
    """Standard error; what nobody can be told any more does not keep a command from its work."""

    def write(self, data: Any, /) -> int:
        try:
            return _write_all(super().write, self.fileno(), data)
        except OSError:
            return len(data)


def open_standard_streams() -> None:
    """Replaces standard output and error, in UTF-8 whatever the locale says.

    Streams that the caller has closed (`>&-`) become /dev/null, before a socket takes their numbers.
    """
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            if number == 0:
                sys.stdin = open(number, encoding="utf-8", closefd=False)  # noqa: SIM115 - open to the end
    sys.stdout = _text(_Output(1, "w", closefd=False))
    sys.stderr = _text(_Messages(2, "w", closefd=False), by_line=True)


def _text(raw: io.FileIO, *, by_line: bool = False) -> io.TextIOWrapper:
    buffered = io.BufferedWriter(raw)
    line_buffering = by_line or raw.isatty()
    return io.TextIOWrapper(buffered, encoding="utf-8", errors="surrogateescape", line_buffering=line_buffering)


def _write_all(write: Any, fd: int, data: Any) -> int:
    """Writes some bytes at least; waits where the caller made the descriptor non-blocking and it is full."""
    while True:
        count = write(data)
        if count is not None:
            return int(count)
        import select  # noqa: PLC0415 - rarely needed

        select.select([], [fd], [])
