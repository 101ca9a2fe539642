"""The output of a stack's containers, and the news of their ends, as they come."""

import select
import sys
from collections.abc import Callable, Iterable
from typing import BinaryIO

from compose.execute import Supervisor
from compose.interrupts import InterruptedByUser, Interrupts
from compose.loglines import Prefixes
from compose.times import timestamp
from engine.layout import StackLayout
from engine.logfollow import Follower
from engine.logreader import LogLine
from engine.protocol import Event
from engine.state import ContainerRecord

ALIVE = ("running", "restarting")


class Attachment:
    """Follows containers of one stack. `relay` keeps standard output and error apart, else all goes to the first."""

    def __init__(
        self,
        stack: StackLayout,
        prefixes: Prefixes,
        *,
        relay: bool,
        timestamps: bool = False,
        services: Iterable[str] = (),
        silent: Iterable[str] = (),
    ) -> None:
        """`services` empty means all; those that are `silent` are followed to their end, but not shown."""
        self._stack = stack
        self._prefixes = prefixes
        self._timestamps = timestamps
        self._streams: dict[str, BinaryIO] = {
            "stdout": sys.stdout.buffer,
            "stderr": sys.stderr.buffer if relay else sys.stdout.buffer,
        }
        self._services = frozenset(services)
        self._silent_services = frozenset(silent)
        self._silent: set[str] = set()
        self._follower = Follower()
        self._followed: set[str] = set()
        self.alive: set[str] = set()
        self.above: Callable[[Callable[[], None]], None] = at_once

    def add_records(self, records: Iterable[ContainerRecord], *, tail: int | None) -> None:
        """Follows containers that exist, after their last `tail` lines, which are shown in the order of time."""
        earlier: list[tuple[str, LogLine]] = []
        for record in records:
            earlier += self._follow(record.spec.id, record.spec.name, record.spec.service, tail=tail)
            if record.state.status in ALIVE and record.spec.name in self._followed:
                self.alive.add(record.spec.name)
        self._write(sorted(earlier, key=lambda item: item[1].time_ns))

    def _follow(self, container_id: str, name: str, service: str, *, tail: int | None) -> list[tuple[str, LogLine]]:
        if name in self._followed or (self._services and service not in self._services):
            return []
        self._followed.add(name)
        if service in self._silent_services:
            self._silent.add(name)
            return []
        self._prefixes.add(name)
        return [(name, line) for line in self._follower.add(name, self._stack.data(container_id), tail=tail)]

    def wait(self, supervisor: Supervisor, timeout_seconds: float | None, interrupts: Interrupts | None) -> bool:
        """Prints what comes until the supervisor has news (True) or the time is over (False).

        Raises InterruptedByUser.
        """
        sources: list[Supervisor | Interrupts | Follower] = [supervisor, self._follower]
        if interrupts:
            sources.append(interrupts)
        while not supervisor.pending:
            ready = select.select(sources, [], [], timeout_seconds)[0]
            if self._follower in ready:
                self.print_news()
            if interrupts in ready and interrupts and interrupts.take():
                raise InterruptedByUser
            if supervisor in ready:
                return True
            if not ready:
                return False
        return True

    def print_news(self) -> None:
        """Prints what was written since."""
        self._write(self._follower.collect())

    def handle(self, event: Event) -> None:
        """Takes note of a container's start or end; tells the end once its output is shown."""
        name = event.container_name
        match event.action:
            case "create" | "start" | "restart":
                self._write(self._follow(event.container_id, name, event.service, tail=None))
                if event.action != "create" and name in self._followed:
                    self.alive.add(name)
            case "die" if name in self._followed and event.record:
                self.print_news()
                state = event.record.state
                restarting = state.status == "restarting"
                if not restarting:
                    self.alive.discard(name)
                if name not in self._silent:
                    said = self._prefixes.ended(name, state.exit_code, restarting=restarting)
                    self.above(lambda: self._print_end(said))
            case "remove" if name in self._followed:
                self.print_news()
                if name not in self._silent:
                    self._follower.remove(name)
                self._followed.discard(name)
                self.alive.discard(name)

    def follows(self, name: str) -> bool:
        """Whether a container's output is shown."""
        return name in self._followed

    def close(self) -> None:
        """Stops following."""
        self._follower.close()

    def _print_end(self, text: str) -> None:
        sys.stdout.buffer.write(f"{text}\n".encode())
        sys.stdout.buffer.flush()

    def _write(self, lines: list[tuple[str, LogLine]]) -> None:
        if lines:
            self.above(lambda: self._print(lines))

    def _print(self, lines: list[tuple[str, LogLine]]) -> None:
        for name, line in lines:
            stamp = timestamp(line.time_ns) if self._timestamps else ""
            self._streams[line.stream].write(self._prefixes.line(name, line.text, stamp))
        for stream in self._streams.values():
            stream.flush()


def at_once(write: Callable[[], None]) -> None:
    """Writes where nothing else is shown."""
    write()
