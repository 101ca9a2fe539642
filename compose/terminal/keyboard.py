"""The user's terminal: its size, its keys as they are, the keys that detach from a program."""

import fcntl
import struct
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from compose.errors import UsageError
from engine.terminals import WindowSize

DETACH_KEYS = "ctrl-p,ctrl-q"
_CONTROL = {**{chr(code): code - 96 for code in range(97, 123)}, "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}


class Detached(Exception):  # noqa: N818 - it is no error
    """The user has typed the keys that detach."""


class DetachKeys:
    """Looks for a sequence of keys in what is typed, and holds back what may be its beginning."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._matched = 0

    def __call__(self, typed: bytes) -> bytes:
        """What is to be passed on; raises Detached at the end of the sequence."""
        passed = bytearray()
        for byte in typed:
            if self._keys and byte == self._keys[self._matched]:
                self._matched += 1
                if self._matched == len(self._keys):
                    raise Detached
                continue
            passed += self._keys[: self._matched]
            self._matched = 0
            if self._keys and byte == self._keys[0]:
                self._matched = 1
            else:
                passed.append(byte)
        return bytes(passed)


def parse_keys(text: str) -> bytes:
    """The bytes of keys such as "ctrl-p,ctrl-q" or "ctrl-],q"; empty text is none. Raises UsageError."""
    keys = bytearray()
    for word in text.split(",") if text else ():
        control = word.lower().removeprefix("ctrl-")
        if len(word) == 1 and word.isascii():
            keys += word.encode()
        elif word.lower() != control and control in _CONTROL:
            keys.append(_CONTROL[control])
        else:
            raise UsageError(
                f"--detach-keys: '{word}' is no key", hint="write letters, or ctrl- and one of a-z @ [ \\ ] ^ _"
            )
    return bytes(keys)


def window_size(fd: int) -> WindowSize:
    """The size of the user's terminal."""
    rows, columns, _, _ = struct.unpack("=4H", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))
    return WindowSize(rows or 24, columns or 80)


@contextmanager
def raw_terminal(fd: int) -> Iterator[None]:
    """Passes every key on to the program for a block, then leaves the terminal as it was."""
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
