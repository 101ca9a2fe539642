"""The supervisor's event loop: descriptors by epoll, timers by a heap, one callback at a time.

asyncio would cost 60 to 100 ms of import at every start of a supervisor, and its transports cannot hand a pidfd or a
FIFO over without wrappers of their own.
"""

import heapq
import select
import sys
import time
from collections.abc import Callable
from itertools import count

READABLE = select.EPOLLIN
WRITABLE = select.EPOLLOUT
HUNG_UP = select.EPOLLHUP

OnReady = Callable[[int], None]


class Loop:
    """Calls back when a descriptor is ready or a time has come. It never owns the descriptors.

    A callback that raises is reported on standard error; a descriptor whose callback raised is no longer watched, since
    it would be called again at once. `now` counts seconds that never jump (they stand still while the machine sleeps).
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.now = clock
        self._epoll = select.epoll()
        self._watched: dict[int, OnReady] = {}
        self._timers: list[tuple[float, int, list[Callable[[], None]]]] = []
        self._order = count()
        self._running = False

    def watch(self, fd: int, events: int, callback: OnReady) -> None:
        """Calls back with the ready events (level-triggered); replaces an earlier watch of the descriptor."""
        if fd in self._watched:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._watched[fd] = callback

    def forget(self, fd: int) -> None:
        """Stops watching; harmless when the descriptor is not watched. To be called before it is closed."""
        if self._watched.pop(fd, None) is not None:
            try:
                self._epoll.unregister(fd)
            except OSError as error:
                sys.stderr.write(f"windlass supervisor: descriptor {fd} was closed while watched: {error}\n")

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Calls back whenever the descriptor can be read."""
        self.watch(fd, READABLE, lambda _events: callback())

    def remove_reader(self, fd: int) -> None:
        """Ends `add_reader`."""
        self.forget(fd)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back once, `seconds` from now; gives a function that cancels it, harmless at any time."""
        cell = [callback]
        heapq.heappush(self._timers, (self.now() + seconds, next(self._order), cell))
        return cell.clear

    def run(self) -> None:
        """Runs until `stop`."""
        self._running = True
        while self._running:
            self.turn()

    def stop(self) -> None:
        """Lets `run` return after the present callback's turn."""
        self._running = False

    def turn(self, longest_seconds: float | None = None) -> None:
        """Waits for the next event or timer (at most `longest_seconds`), then runs what is due."""
        while self._timers and not self._timers[0][2]:
            heapq.heappop(self._timers)
        timeout = longest_seconds
        if self._timers:
            until_timer = max(0.0, self._timers[0][0] - self.now())
            timeout = until_timer if timeout is None else min(timeout, until_timer)
        for fd, events in self._epoll.poll(timeout):
            on_ready = self._watched.get(fd)
            if on_ready is None:
                continue
            try:
                on_ready(events)
            except Exception:  # noqa: BLE001 - one container's failure must not end the others' supervisor
                sys.excepthook(*sys.exc_info())
                if self._watched.get(fd) is on_ready:
                    self.forget(fd)
        self._run_timers()

    def _run_timers(self) -> None:
        now = self.now()
        while self._timers and self._timers[0][0] <= now:
            cell = heapq.heappop(self._timers)[2]
            if not cell:
                continue
            callback = cell.pop()
            try:
                callback()
            except Exception:  # noqa: BLE001 - as above
                sys.excepthook(*sys.exc_info())

    def close(self) -> None:
        """Releases the loop's own descriptor."""
        self._epoll.close()
