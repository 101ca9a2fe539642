"""Pipes between our standard streams and a program's: our own descriptors, maybe terminals, stay out of containers."""

import os
from collections.abc import Callable
from contextlib import ExitStack

from compose.terminal.streaming import Stream

_ANYBODY = 0o666  # whatever its user, a program may open /dev/stdin again


class Pipes:
    """The three far ends, for a program, and the streams that join the near ones with our own.

    `to_nowhere` leaves all three out, `from_nowhere` the input.
    """

    def __init__(self, resources: ExitStack, *, to_nowhere: bool = False, from_nowhere: bool = False) -> None:
        self.inward: list[Stream] = []
        self.outward: list[Stream] = []
        self._far_ends: set[int] = set()
        if to_nowhere or from_nowhere:
            self.stdin = self.stdout = self.stderr = self._keep(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
        else:
            far, near = self._pipe()
            self.stdin = self._keep(far)
            self.inward.append(Stream(0, near, close_target=True, own_target=True))
        if not to_nowhere:
            self.stdout = self._outward(resources, 1)
            self.stderr = self._outward(resources, 2)

    def close_far_ends(self) -> None:
        """Closes what only the program needs, so that its end is noticed."""
        for fd in self._far_ends:
            os.close(fd)
        self._far_ends.clear()

    def _outward(self, resources: ExitStack, number: int) -> int:
        near, far = self._pipe()
        resources.callback(os.close, near)
        self.outward.append(Stream(near, number, let_go=True))
        return self._keep(far)

    def _keep(self, fd: int) -> int:
        self._far_ends.add(fd)
        return fd

    @staticmethod
    def _pipe() -> tuple[int, int]:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        os.fchmod(reader, _ANYBODY)
        return reader, writer


def typed(through: Callable[[bytes], bytes]) -> Stream:
    """What is typed on our terminal; where it goes is still to be said."""
    return Stream(0, -1, through=through)
