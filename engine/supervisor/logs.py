"""Reads what a running container prints from its FIFOs into its log.

The container holds its ends open for reading and writing, so that they break neither when the supervisor dies nor when
another one reads on.
"""

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from engine.logstore import LogWriter, Stream
from engine.spec import LogOptions
from engine.supervisor.loop import READABLE, Loop

_CHUNK_BYTES = 1 << 16
_DRAIN_CHUNKS = 64
_STREAMS: tuple[Stream, ...] = ("stdout", "stderr")


def make_fifos(directory: Path) -> None:
    """Makes the FIFOs of a container, if missing. Any user of the container may open its own output again."""
    for stream in _STREAMS:
        path = directory / stream
        try:
            os.mkfifo(path, 0o600)
        except FileExistsError:
            if not stat.S_ISFIFO(path.lstat().st_mode):
                raise
        path.chmod(0o666)


class Output:
    """A container's output while it runs: reads one chunk a turn, so that a flood starves nobody."""

    def __init__(
        self,
        fifos: Path,
        log_directory: Path,
        loop: Loop,
        options: LogOptions,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`fifos` is the directory that holds them. What is not to be kept is read all the same."""
        self._fifos = fifos
        self._loop = loop
        self._clock_ns = clock_ns
        self._log = (
            LogWriter(log_directory, rotate_bytes=options.max_bytes, kept_files=options.max_files)
            if options.kept
            else None
        )
        self._fds: dict[Stream, int] = {}

    def open_far_ends(self) -> tuple[int, int]:
        """Descriptors to be the container's standard output and error; the caller closes them."""
        stdout = os.open(self._fifos / "stdout", os.O_RDWR | os.O_CLOEXEC)
        try:
            return stdout, os.open(self._fifos / "stderr", os.O_RDWR | os.O_CLOEXEC)
        except BaseException:
            os.close(stdout)
            raise

    def read(self) -> None:
        """Starts reading. The far ends are open already, or the container is gone."""
        for stream in _STREAMS:
            fd = os.open(self._fifos / stream, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            self._fds[stream] = fd
            self._loop.watch(fd, READABLE, self._reader(stream, fd))

    def drain(self) -> None:
        """Reads what is left (of a container that ended), then lets go of everything."""
        for stream, fd in self._fds.items():
            self._loop.forget(fd)
            for _ in range(_DRAIN_CHUNKS):
                if not self._take(stream, fd):
                    break
        self.close()

    def close(self) -> None:
        """Lets go of everything, without reading."""
        for fd in self._fds.values():
            self._loop.forget(fd)
            os.close(fd)
        self._fds.clear()
        if self._log is not None:
            self._log.close()

    def _reader(self, stream: Stream, fd: int) -> Callable[[int], None]:
        def on_ready(_events: int) -> None:
            if not self._take(stream, fd):
                self._loop.forget(fd)  # nobody writes any more, as when a daemon closed its output

        return on_ready

    def _take(self, stream: Stream, fd: int) -> bool:
        """Logs one chunk; False when there is none, be it for now or for ever."""
        try:
            chunk = os.read(fd, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if chunk and self._log is not None:
            self._log.write(stream, chunk, self._clock_ns())
        return bool(chunk)
