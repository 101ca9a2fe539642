"""Passes a container's output on to those who listen to it, each by two pipes of their own."""

import os
from collections.abc import Callable

from engine.supervisor.loop import WRITABLE, Loop

_MOST_BYTES = 1 << 18
_IDLE = 0  # epoll tells even so when nobody reads any more


class Audience:
    """Who listens to one container. A listener loses nothing: one who does not read holds the container back.

    `on_room` is called once nobody does any more.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._pipes: dict[int, _Pipe] = {}
        self._of_stream: dict[str, list[_Pipe]] = {"stdout": [], "stderr": []}
        self.on_room: Callable[[], None] = lambda: None

    def add(self, stdout: int, stderr: int) -> None:
        """Writes to these pipes from now on; owns the descriptors, and closes them at the container's end."""
        for stream, fd in (("stdout", stdout), ("stderr", stderr)):
            pipe = _Pipe(fd, self._loop, self._settle)
            self._pipes[fd] = pipe
            self._of_stream[stream].append(pipe)

    def hear(self, stream: str, chunk: bytes) -> None:
        """Passes a chunk on."""
        for pipe in tuple(self._of_stream[stream]):
            pipe.write(chunk)

    @property
    def full(self) -> bool:
        """Whether somebody has so much left to read that the container had better wait."""
        return any(len(pipe.rest) > _MOST_BYTES for pipe in self._pipes.values())

    def finish(self) -> None:
        """Ends every pipe once what is left was read."""
        for pipe in tuple(self._pipes.values()):
            pipe.finish()

    def _settle(self, pipe: "_Pipe") -> None:
        """Takes note that a pipe has been read from, or was closed."""
        if pipe.fd < 0:
            self._pipes = {fd: each for fd, each in self._pipes.items() if each is not pipe}
            for pipes in self._of_stream.values():
                if pipe in pipes:
                    pipes.remove(pipe)
        if not self.full:
            self.on_room()


class _Pipe:
    """The writing end of one listener's pipe."""

    def __init__(self, fd: int, loop: Loop, on_change: Callable[["_Pipe"], None]) -> None:
        self.fd = fd
        self.rest = bytearray()
        self._loop = loop
        self._on_change = on_change
        self._finishing = False
        os.set_blocking(fd, False)
        loop.watch(fd, _IDLE, self._on_ready)

    def write(self, chunk: bytes) -> None:
        """Writes now, or as the listener reads."""
        self.rest += chunk
        self._write()
        if self.fd >= 0 and self.rest:
            self._loop.watch(self.fd, WRITABLE, self._on_ready)

    def finish(self) -> None:
        """Closes the pipe once what is left was written."""
        self._finishing = True
        if not self.rest:
            self._close()

    def _on_ready(self, events: int) -> None:
        if not events & WRITABLE:  # nobody reads any more
            self._close()
            return
        self._write()
        if self.fd >= 0 and not self.rest:
            if self._finishing:
                self._close()
                return
            self._loop.watch(self.fd, _IDLE, self._on_ready)
        self._on_change(self)

    def _write(self) -> None:
        while self.rest and self.fd >= 0:
            try:
                del self.rest[: os.write(self.fd, self.rest)]
            except BlockingIOError:
                return
            except OSError:
                self._close()

    def _close(self) -> None:
        if self.fd >= 0:
            self._loop.forget(self.fd)
            os.close(self.fd)
            self.fd = -1
            self.rest.clear()
            self._on_change(self)
