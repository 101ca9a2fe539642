"""The output of a stack's containers, and the news of their ends, as they come."""

import select
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from compose.doing.execute import Supervisor
from compose.showing.logfilter import LineFilter
from compose.showing.logjson import JsonLog
from compose.showing.loglines import Prefixes
from compose.terminal.interrupts import InterruptedByUser, Interrupts
from compose.terminal.menu import Menu
from engine.layout import StackLayout
from engine.logfollow import Follower
from engine.logreader import Run, merge
from engine.protocol import Event
from engine.state import ALIVE, ContainerRecord


class Attachment:
    """Follows containers of one stack. `relay` keeps standard output and error apart, else all goes to the first."""

    def __init__(
        self,
        stack: StackLayout,
        prefixes: Prefixes | JsonLog,
        *,
        relay: bool,
        timestamps: bool = False,
        services: Iterable[str] = (),
        silent: Iterable[str] = (),
        names: Iterable[str] = (),
        shown: LineFilter | None = None,
    ) -> None:
        """`services` and container `names` empty mean all; `silent` ones are followed to their end, but not shown.

        Not told what is `shown`, all is, as the output can bear it.
        """
        self._stack = stack
        self._prefixes = prefixes
        self._timestamps = timestamps
        self._streams: dict[str, BinaryIO] = {
            "stdout": sys.stdout.buffer,
            "stderr": sys.stderr.buffer if relay else sys.stdout.buffer,
        }
        self._services = frozenset(services)
        self._names = frozenset(names)
        self._shown = shown or LineFilter(on_terminal=sys.stdout.isatty())
        self._silent_services = frozenset(silent)
        self._silent: set[str] = set()
        self._follower = Follower()
        self._followed: set[str] = set()
        self.alive: set[str] = set()
        self.above: Callable[[Callable[[], None]], None] = at_once

    def add_records(self, records: Iterable[ContainerRecord], *, tail: int | None) -> None:
        """Follows containers that exist, after their last `tail` lines, which are shown in the order of time."""
        earlier: list[tuple[str, Iterator[Run]]] = []
        for record in records:
            name = record.spec.name
            earlier.append((name, self._follow(record.spec.id, name, record.spec.service, tail=tail)))
            if record.state.status in ALIVE and name in self._followed:
                self.alive.add(name)
        self._write(merge(earlier))

    def _follow(self, container_id: str, name: str, service: str, *, tail: int | None) -> Iterator[Run]:
        if name in self._followed or (self._services and service not in self._services):
            return iter(())
        if self._names and name not in self._names:
            return iter(())
        self._followed.add(name)
        if service in self._silent_services:
            self._silent.add(name)
            return iter(())
        self._prefixes.add(name, service)
        return self._follower.begin(name, self._stack.data(container_id), tail=tail)

    def wait(
        self,
        supervisor: Supervisor,
        timeout_seconds: float | None,
        interrupts: Interrupts | None,
        menu: Menu | None = None,
    ) -> bool:
        """Prints what comes until the supervisor has news (True) or the time is over (False).

        Raises InterruptedByUser, and what the menu's actions raise.
        """
        sources: list[Supervisor | Interrupts | Follower | Menu] = [supervisor, self._follower]
        if menu:
            sources.append(menu)
        if interrupts:
            sources.append(interrupts)
        while not supervisor.pending:
            behind = self._follower.behind
            ready = select.select(sources, [], [], 0 if behind else timeout_seconds)[0]
            if self._follower in ready or behind:
                self.print_news()
            if interrupts in ready and interrupts and interrupts.take():
                raise InterruptedByUser
            if menu in ready and menu:
                menu.press()
            if supervisor in ready:
                return True
            if not ready and not behind:
                return False
        return True

    def print_news(self) -> None:
        """Prints what was written since."""
        self._write(self._follower.news())

    def handle(self, event: Event) -> None:
        """Takes note of a container's start or end; tells the end once its output is shown."""
        name = event.container_name
        match event.action:
            case "create" | "start" | "restart":
                runs = self._follow(event.container_id, name, event.service, tail=None)
                self._write((name, run) for run in runs)
                if event.action != "create" and name in self._followed:
                    self.alive.add(name)
            case "die" if name in self._followed and event.record:
                self._print_all_news()
                state = event.record.state
                restarting = state.status == "restarting"
                if not restarting:
                    self.alive.discard(name)
                said = self._prefixes.ended(name, state.exit_code, restarting=restarting)
                if said and name not in self._silent:
                    self.above(lambda: self._print_end(said))
            case "remove" if name in self._followed:
                self._print_all_news()
                if name not in self._silent:
                    left = self._follower.end(name)
                    self._write((name, run) for run in left)
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

    def _print_all_news(self) -> None:
        self.print_news()
        while self._follower.behind:
            self.print_news()

    def _write(self, runs: Iterator[tuple[str, Run]]) -> None:
        first = next(runs, None)
        if first is not None:
            self.above(lambda: self._print(chain((first,), runs)))

    def _print(self, runs: Iterable[tuple[str, Run]]) -> None:
        for name, run in runs:
            lines = self._shown.lines(run)
            if lines is not None:
                text = self._prefixes.text(name, run, lines, stamped=self._timestamps)
                self._streams[run.stream].write(text)
        for stream in self._streams.values():
            stream.flush()


def at_once(write: Callable[[], None]) -> None:
    """Writes where nothing else is shown."""
    write()
