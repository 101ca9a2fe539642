"""Reads what a running container prints from its FIFOs into its log.

The container holds its ends open for reading and writing, so that they break neither when the supervisor dies nor when
another one reads on.
"""

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from engine.logstore import STREAMS, Chunk, LogWriter, Stream
from engine.spec import LogOptions
from engine.supervisor.arrivals import Arrivals, Turns, in_order, joined
from engine.supervisor.audience import Audience
from engine.supervisor.intake import CUTS, Intake, Unlogged
from engine.supervisor.loop import READABLE, Loop

_CHUNK_BYTES = 1 << 16
_LEAST_CHUNK_BYTES = 128
_MOST_GROWTH = 84  # of the line's ends of two streams in a log, behind their times and streams
_FIONREAD = 0x541B
_MOST_TURNS = CUTS
_DRAIN_BYTES = 4 << 20
Source = Stream | Literal["terminal"]


def make_fifos(directory: Path) -> None:
    """Makes the FIFOs of a container, if missing. Any user of the container may open its own output again."""
    for stream in STREAMS:
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
        audience: Audience | None = None,
        intake: Intake | None = None,
        arrivals: Arrivals | None = None,
        on_loss: Callable[[int], None] = lambda _lost: None,
    ) -> None:
        """`fifos` is the directory that holds them, named by the container's id.

        What is not to be kept is read all the same. Without an `intake`, a kill may cost what was just being logged.
        `on_loss` is told how many bytes were dropped for want of room, not each time, but when there is room again.
        """
        self._audience: Audience | None = None
        self._held_back = False
        if audience is not None:
            self.attach(audience)
        self._fifos = fifos
        self._loop = loop
        self._clock_ns = clock_ns
        self._log = (
            LogWriter(log_directory, rotate_bytes=options.max_bytes, kept_files=options.max_files)
            if options.kept
            else None
        )
        self._intake = intake
        self._arrivals = arrivals
        self._turns: Turns | None = None
        self._on_loss = on_loss
        self._told_lost = 0
        self._chunk_bytes = _CHUNK_BYTES  # what is one chunk is in one file of the log
        if options.max_bytes:
            self._chunk_bytes = max(_LEAST_CHUNK_BYTES, min(_CHUNK_BYTES, options.max_bytes // _MOST_GROWTH))
        self._container_id = fifos.name.encode()
        self._fds: dict[Source, int] = {}
        self._carriage_return = b""

    def open_far_ends(self) -> tuple[int, int]:
        """Descriptors to be the container's standard output and error; the caller closes them."""
        stdout = os.open(self._fifos / "stdout", os.O_RDWR | os.O_CLOEXEC)
        try:
            return stdout, os.open(self._fifos / "stderr", os.O_RDWR | os.O_CLOEXEC)
        except BaseException:
            os.close(stdout)
            raise

    def read(self, pid: int = 0) -> tuple[Stream, ...]:
        """Starts reading. The far ends are open already, or the container is gone. Gives what cannot be read.

        That is a stream whose FIFO somebody removed, unless the container's first process `pid` still has it.
        """
        lost = []
        for number, stream in enumerate(STREAMS, start=1):
            fd = _open_to_read(self._fifos / stream, Path(f"/proc/{pid}/fd/{number}"))
            if fd is None:
                lost.append(stream)
                continue
            self._fds[stream] = fd
            self._loop.watch(fd, READABLE, self._reader(stream, fd))
        if self._arrivals is not None and self._log is not None and not lost:
            self._turns = self._arrivals.watch(self._fifos / "stdout", self._fifos / "stderr")
        return tuple(lost)

    def recover(self, unlogged: Unlogged) -> None:
        """Logs what an earlier supervisor had taken when it was killed, unless it got that far; before `read`."""
        if self._log is not None:
            chunks = [(STREAMS[stream], chunk) for stream, chunk in unlogged.chunks]
            self._log.finish(unlogged.log, chunks, self._clock_ns())
            self._log.close()

    def open_stdin(self) -> int:
        """A descriptor to be the container's standard input; whoever writes to its FIFO is read, and it never ends."""
        path = self._fifos / "stdin"
        if not path.exists():
            os.mkfifo(path, 0o600)
            path.chmod(0o666)
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def read_terminal(self, master: int) -> None:
        """Reads the container's terminal, too, from now on; owns the descriptor."""
        os.set_blocking(master, False)
        self._fds["terminal"] = master
        self._loop.watch(master, READABLE, self._reader("terminal", master))

    def attach(self, audience: Audience) -> None:
        """Passes on to these what is read from now on; they may hold the container back."""
        self._audience = audience
        audience.on_room = self._go_on

    def drain(self) -> None:
        """Reads what is left (of a container that ended), then lets go of everything."""
        for stream, fd in self._fds.items():
            self._loop.forget(fd)
            with contextlib.suppress(BlockingIOError):
                for _ in range(_DRAIN_BYTES // self._chunk_bytes):
                    if not self._take(stream, fd):
                        break
        self.close()

    def close(self) -> None:
        """Lets go of everything, without reading."""
        for fd in self._fds.values():
            self._loop.forget(fd)
            os.close(fd)
        self._fds.clear()
        if self._turns is not None:
            self._turns.close()
            self._turns = None
        if self._log is not None:
            self._log.close()
            if self._log.lost_bytes > self._told_lost:
                self._tell_loss(at_least=0)

    def _reader(self, stream: Source, fd: int) -> Callable[[int], None]:
        def on_ready(_events: int) -> None:
            try:
                is_open = self._take(stream, fd)
            except BlockingIOError:  # it was read with the other stream
                return
            if not is_open:
                self._loop.forget(fd)  # nobody writes any more, as when a daemon closed its output
            elif self._audience is not None and self._audience.full:
                self._held_back = True
                for each in self._fds.values():
                    self._loop.forget(each)

        return on_ready

    def _go_on(self) -> None:
        if self._held_back:
            self._held_back = False
            for stream, fd in self._fds.items():
                self._loop.watch(fd, READABLE, self._reader(stream, fd))

    def _take(self, stream: Source, fd: int) -> bool:
        """Logs one chunk; False when there will be none. BlockingIOError when there is none for now."""
        try:
            chunk = self._next(stream, fd)
        except BlockingIOError:
            raise
        except OSError:  # a terminal that no program has open any more
            return False
        if not chunk:
            return False
        name: Stream = "stdout" if stream == "terminal" else stream
        if self._audience is not None:
            self._audience.hear(name, chunk)
        if stream == "terminal":
            chunk = self._lines(chunk)
        if chunk and self._log is not None:
            self._log.write_all(self._with_other(stream, chunk), self._clock_ns())
            if self._log.lost_bytes > self._told_lost:
                self._tell_loss(at_least=2 * self._told_lost)
        return True

    def _with_other(self, stream: Source, chunk: bytes) -> list[Chunk]:
        """A chunk, with what the other stream brought meanwhile, in the order in which it was written.

        Both are read by turns until nothing is left, lest one has lines that came after others still in its FIFO.
        """
        if stream == "terminal" or self._turns is None:
            return [("stderr" if stream == "stderr" else "stdout", chunk)]
        texts = [b"", b""]
        now = STREAMS.index(stream)
        texts[now] = chunk
        runs = self._turns.take()
        if 1 - now not in runs:
            return [(stream, chunk)]
        for _ in range(_MOST_TURNS):
            now = 1 - now
            rest = self._rest(STREAMS[now], 2 * self._chunk_bytes - len(texts[0]) - len(texts[1]))
            texts[now] += rest
            runs = joined(runs, self._turns.take())
            if not rest or not self._left_in(STREAMS[1 - now]):
                break
        else:
            self._turns.note(1 - now)  # of what is left, some runs have told already
        return [(STREAMS[part.stream], part.text) for part in in_order((texts[0], texts[1]), runs)]

    def _rest(self, stream: Stream, most_bytes: int) -> bytes:
        """What a stream has brought besides a chunk that was just taken."""
        fd = self._fds.get(stream)
        if fd is None or most_bytes <= 0:
            return b""
        most_bytes = min(most_bytes, self._chunk_bytes)
        try:
            rest = self._intake.take_other(fd, most_bytes) if self._intake is not None else os.read(fd, most_bytes)
        except OSError:
            return b""
        if rest and self._audience is not None:
            self._audience.hear(stream, rest)
        return rest

    def _left_in(self, stream: Stream) -> bool:
        """Whether there is anything to read."""
        fd = self._fds.get(stream)
        return fd is not None and any(fcntl.ioctl(fd, _FIONREAD, bytes(4)))

    def _tell_loss(self, at_least: int) -> None:
        """Tells of what was dropped when there is room again, or when it has become twice as much."""
        if self._log is not None and (self._log.lost_bytes >= at_least or not self._log.dropped_bytes):
            self._told_lost = self._log.lost_bytes
            self._on_loss(self._told_lost)

    def _next(self, stream: Source, fd: int) -> bytes:
        """What there is, a chunk at the most; empty when nobody writes any more. OSError when nothing is there."""
        if (
            self._log is not None
            and self._intake is not None
            and self._intake.settle(self._container_id, stream == "stderr", self._log.position)
            and stream != "terminal"
        ):
            return self._intake.take(fd, self._chunk_bytes)
        return os.read(fd, self._chunk_bytes)

    def _lines(self, chunk: bytes) -> bytes:
        """What a terminal printed, its lines ended as everywhere else."""
        chunk = self._carriage_return + chunk
        self._carriage_return = b"\r" if chunk.endswith(b"\r") else b""
        return chunk.removesuffix(b"\r").replace(b"\r\n", b"\n")


def _open_to_read(*places: Path) -> int | None:
    """The first of these FIFOs that is there."""
    for place in places:
        try:
            if stat.S_ISFIFO(place.stat().st_mode):
                return os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
    return None
