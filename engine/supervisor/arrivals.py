"""Knows in which order the two streams of a container were written to, by inotify(7).

The kernel queues an event for each write to a FIFO, and leaves out those that only repeat the one before. So there is
one for each run of writes to one stream, while how much was written is not told.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from engine import syscalls
from engine.errors import SyscallError

_IN_MODIFY = 0x002
_EVENTS_BYTES = 1 << 16
_EVENT_INTS = 4  # watch, mask, cookie, length of a name, which there is none of
_MOST_RUNS = 1 << 15


class Part(NamedTuple):
    """What was written to a stream (0 or 1), as far as nothing was written to the other in between."""

    stream: int
    text: bytes


class Turns:
    """The streams of one container that were written to since they were asked for last, in turn."""

    def __init__(self, arrivals: "Arrivals", watches: tuple[int, int]) -> None:
        """To be made by `Arrivals.watch`."""
        self.runs = bytearray()
        self._arrivals = arrivals
        self._watches = watches

    def note(self, stream: int) -> None:
        """Takes note of a write."""
        if not self.runs or self.runs[-1] != stream:
            self.runs.append(stream)
            if len(self.runs) > _MOST_RUNS:  # nobody asks
                self.runs.clear()

    def take(self) -> bytes:
        """The runs until now, which are forgotten."""
        self._arrivals.refresh()
        runs = bytes(self.runs)
        self.runs.clear()
        return runs

    def close(self) -> None:
        """Takes no more notes."""
        self._arrivals.forget(self._watches)


class Arrivals:
    """The inotify instance of one supervisor, for all its containers."""

    def __init__(self) -> None:
        self._fd = syscalls.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._turns: dict[int, tuple[Turns, int]] = {}

    @property
    def watched(self) -> int:
        """How many FIFOs are watched."""
        return len(self._turns)

    def watch(self, stdout: Path, stderr: Path) -> Turns | None:
        """Takes note of writes to these FIFOs from now on; None when it cannot."""
        watches: list[int] = []
        try:
            watches.append(syscalls.inotify_add_watch(self._fd, stdout, _IN_MODIFY))
            watches.append(syscalls.inotify_add_watch(self._fd, stderr, _IN_MODIFY))
        except SyscallError:
            self.forget(watches)
            return None
        turns = Turns(self, (watches[0], watches[1]))
        self._turns.update({watch: (turns, stream) for stream, watch in enumerate(watches)})
        return turns

    def forget(self, watches: Sequence[int]) -> None:
        """Undoes `watch`."""
        for watch in watches:
            self._turns.pop(watch, None)
            try:
                syscalls.inotify_rm_watch(self._fd, watch)
            except SyscallError:  # the FIFO was removed
                continue

    def refresh(self) -> None:
        """Reads what the kernel has queued."""
        turns_by_watch = self._turns
        for watch in self._events():
            known = turns_by_watch.get(watch)
            if known is not None:
                known[0].note(known[1])
            elif watch < 0:  # the queue was too short: nothing is known of what came before
                for turns, _stream in turns_by_watch.values():
                    turns.runs.clear()

    def close(self) -> None:
        """Gives the instance back."""
        os.close(self._fd)

    def _events(self) -> Iterator[int]:
        while True:
            try:
                events = os.read(self._fd, _EVENTS_BYTES)
            except BlockingIOError:
                return
            yield from memoryview(events).cast("i")[::_EVENT_INTS].tolist()
            if len(events) < _EVENTS_BYTES // 2:
                return


def joined(runs: bytes, later: bytes) -> bytes:
    """Runs, and those that came after them."""
    return runs + (later[1:] if runs[-1:] == later[:1] else later)


def in_order(texts: tuple[bytes, bytes], runs: bytes) -> list[Part]:
    """The texts of both streams in the order in which they were written, cut at the ends of lines.

    A stream with as many lines as runs had one in each; otherwise lines are spread over its runs. What has no run was
    written last.
    """
    lines = [_lines(text) for text in texts]
    counts = [runs.count(stream) for stream in (0, 1)]
    at = [0, 0]
    begun = [0, 0]
    parts = []
    for stream in runs:
        at[stream] += 1
        many, run = len(lines[stream]), at[stream]
        end = run if many <= counts[stream] else run * many // counts[stream]
        if end > begun[stream] and begun[stream] < many:
            parts.append(Part(stream, b"".join(lines[stream][begun[stream] : end])))
            begun[stream] = end
    parts += (Part(stream, texts[stream]) for stream in (0, 1) if texts[stream] and not counts[stream])
    return parts


def _lines(text: bytes) -> list[bytes]:
    """The lines of a text with their ends."""
    *whole, rest = text.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])
