"""Ctrl-C, and other requests to end, as something to wait for."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedByUser(Exception):  # noqa: N818 - it is no error
    """Ctrl-C was pressed, or somebody asked this process to end."""


class Interrupts:
    """Ctrl-C, SIGTERM and SIGHUP as something to wait for, for a block; `fileno` is readable once one came."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._before = {number: signal.getsignal(number) for number in SIGNALS}

    def fileno(self) -> int:
        """A descriptor to wait on."""
        return self._reader

    def take(self) -> bool:
        """Whether one came since the last call."""
        try:
            return bool(os.read(self._reader, 64))
        except BlockingIOError:
            return False

    def __enter__(self) -> Self:
        for number in SIGNALS:
            signal.signal(number, self._note)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        os.write(self._writer, b"!")


@contextmanager
def interrupting() -> Iterator[None]:
    """Lets each of the signals raise KeyboardInterrupt for a block, at once, as Ctrl-C does."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
