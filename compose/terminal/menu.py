"""A few keys beside a stack's output: each does something at once, whatever else is shown."""

import os
import termios
import tty
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self


class LeftByUser(Exception):  # noqa: N818 - it is no error
    """The user wants to go, and the stack to stay."""


class Menu:
    """Keys of our terminal for a block: `fileno` is readable once one was pressed, `press` does what it is for.

    `actions` are by the key's byte. Ctrl-C stays Ctrl-C.
    """

    def __init__(self, actions: Mapping[bytes, Callable[[], None]]) -> None:
        self._actions = actions
        self._before = termios.tcgetattr(0)

    def fileno(self) -> int:
        """A descriptor to wait on."""
        return 0

    def press(self) -> None:
        """Takes the keys that were pressed."""
        for key in os.read(0, 64):
            action = self._actions.get(bytes((key,)).lower())
            if action:
                action()

    def __enter__(self) -> Self:
        tty.setcbreak(0, termios.TCSADRAIN)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        termios.tcsetattr(0, termios.TCSADRAIN, self._before)


def is_possible() -> bool:
    """Whether we are on a terminal, and its keys are ours."""
    return os.isatty(0) and os.isatty(1) and os.tcgetpgrp(0) == os.getpgrp()
