"""Moves bytes between descriptors, in both directions at once, so that no direction waits for the other."""

import os
import select
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

CHUNK_BYTES = 1 << 16
DRAIN_ROUNDS = 64  # of 64 KiB, for what a program that has ended left in its pipe or terminal


class Stream(NamedTuple):
    """Bytes go from one descriptor to another; with `close_target`, that one is closed when the source ends.

    With `let_go`, the source is a pipe that loses its reader when nobody takes the bytes any more. `own_target` is one
    that nobody else writes to, so that it may be made not to block. `through` sees the bytes on their way.
    """

    source: int
    target: int
    close_target: bool = False
    let_go: bool = False
    own_target: bool = False
    through: Callable[[bytes], bytes] | None = None


class Flow:
    """A stream under way, with what was read and is not written yet."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.rest = memoryview(b"")
        if stream.own_target:
            os.set_blocking(stream.target, False)

    def wants(self) -> tuple[int, int]:
        """What to wait for: a descriptor and its events."""
        return (self.stream.target, select.POLLOUT) if self.rest else (self.stream.source, select.POLLIN)

    def go_on(self) -> bool:
        """Writes what is left, or reads a chunk and writes it; False when the stream is over."""
        try:
            if not self.rest:
                chunk = os.read(self.stream.source, CHUNK_BYTES)
                if not chunk:
                    return False
                self.rest = memoryview(self.stream.through(chunk) if self.stream.through else chunk)
            self.flush()
        except OSError:  # nobody reads, or (EIO) the other end of a terminal is closed
            return False
        return True

    def flush(self) -> None:
        """Writes what is left, as far as the target takes it; drops it when nobody reads."""
        while self.rest:
            try:
                self.rest = self.rest[os.write(self.stream.target, self.rest) :]
            except BlockingIOError:
                return
            except OSError:
                self.rest = memoryview(b"")
                raise

    def end(self) -> None:
        """Tells both sides that nothing will come any more."""
        if self.stream.close_target:
            os.close(self.stream.target)
        if self.stream.let_go:  # the program must meet a broken pipe, as in a pipeline, and not wait for a reader
            nowhere = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            os.dup2(nowhere, self.stream.source, inheritable=False)  # the number stays taken: its owner closes it
            os.close(nowhere)


def carry(flows: Iterable[Flow], news: Mapping[int, Callable[[], bool]]) -> list[Flow]:
    """Carries until what is to be called for a descriptor that is ready says so; returns the flows that go on.

    Without such descriptors it goes on until all sources have ended.
    """
    flows = list(flows)
    while flows or news:
        wanted = dict.fromkeys(news, select.POLLIN)
        for flow in flows:
            fd, events = flow.wants()
            wanted[fd] = wanted.get(fd, 0) | events
        poll = select.poll()
        for fd, events in wanted.items():
            poll.register(fd, events)
        ready = dict(poll.poll())
        for flow in tuple(flows):
            fd, events = flow.wants()
            if ready.get(fd, 0) & (events | select.POLLERR | select.POLLHUP | select.POLLNVAL) and not flow.go_on():
                flows.remove(flow)
                flow.end()
        said = [over() for fd, over in news.items() if fd in ready]
        if any(said):
            break
    return flows


def drain(flows: Iterable[Flow]) -> None:
    """Carries what is there already, of programs that have ended."""
    for flow in flows:
        os.set_blocking(flow.stream.source, False)
        for _ in range(DRAIN_ROUNDS):
            if not flow.go_on():
                break
            with suppress(OSError):
                while flow.rest:  # somebody else has made the user's own pipe not to block
                    select.select([], [flow.stream.target], [])
                    flow.flush()
