"""Progress on a terminal: one live line a resource, repainted in place."""

import os
import time
from collections.abc import Callable
from typing import TextIO

from compose.doing.reports import Report

REPAINT_SECONDS = 0.1
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
RESET = "\x1b[0m"
COLORS = {"work": "\x1b[33m", "done": "\x1b[32m", "failed": "\x1b[31m", "title": "\x1b[34m"}


class LiveLines:
    """A block of lines at the bottom of the terminal.

    It is repainted when news come, but at most every 0.1 s, and once more at the end. Lines that do not fit are
    counted ("... 5 more"). Other output goes above the block.
    """

    tick_seconds: float | None = REPAINT_SECONDS

    def __init__(
        self, stream: TextIO, *, title: str, resources: list[str], color: bool, size: tuple[int, int] | None = None
    ) -> None:
        self._stream = stream
        self._title = title
        self._color = color
        self._size = size
        self._since: dict[str, float] = {}
        self._took: dict[str, str] = {}
        self._reports: dict[str, Report] = {}
        self._expected = dict.fromkeys(resources)
        self._painted_lines = 0
        self._painted_at = 0.0
        self._turn = 0

    def report(self, report: Report) -> None:
        """See Progress."""
        self._reports[report.resource] = report
        self._since.setdefault(report.resource, time.monotonic())
        if report.over:
            self._took[report.resource] = _elapsed(self._since[report.resource])
        else:
            self._took.pop(report.resource, None)
        self.tick()

    def tick(self) -> None:
        """See Progress."""
        if self._reports and time.monotonic() - self._painted_at >= REPAINT_SECONDS:
            self._clear()
            self._paint()

    def line(self, text: str) -> None:
        """See Progress."""
        self._clear()
        self._stream.write(f"{text}\n")
        self._paint()

    def above(self, write: Callable[[], None]) -> None:
        """See Progress."""
        self._clear()
        self._stream.flush()
        write()
        self._paint()

    def close(self) -> None:
        """See Progress."""
        self._clear()
        for name, report in self._reports.items():
            if report.settled:
                self._took.setdefault(name, _elapsed(self._since[name]))
        if self._reports:
            self._paint(whole=True)
        self._painted_lines = 0

    def _clear(self) -> None:
        if self._painted_lines:
            self._stream.write(f"\x1b[{self._painted_lines}F\x1b[J")
            self._painted_lines = 0

    def _paint(self, *, whole: bool = False) -> None:
        """Writes the block; `whole` also what the terminal's height would hide."""
        width, height = self._size or os.get_terminal_size(self._stream.fileno())
        self._turn += 1
        resources = list(self._reports)
        shown = resources if whole else resources[-max(1, height - 3) :]
        hidden = len(resources) - len(shown)
        total = len({*self._expected, *self._reports})
        title = f"[+] {self._title} {len(self._took)}/{total}"
        lines = [self._painted(title, "title"), *(self._resource_line(name, width) for name in shown)]
        if hidden:
            lines.append(f"   ... {hidden} more")
        self._stream.write("".join(f"{line}\n" for line in lines))
        self._stream.flush()
        self._painted_lines = len(lines)
        self._painted_at = time.monotonic()

    def _resource_line(self, name: str, width: int) -> str:
        report = self._reports[name]
        took = self._took.get(name)
        kind = "failed" if report.failed else "done" if took else "work"
        mark = "✘" if report.failed else "✔" if took else SPINNER[self._turn % len(SPINNER)]
        clock = took or _elapsed(self._since[name])
        room = max(0, width - len(clock) - 2)
        text = f" {mark} {name}  {report.word} {report.detail}".rstrip()[:room].ljust(room)
        colored = text.replace(f" {mark} ", f" {self._painted(mark, kind)} ", 1)
        return f"{colored} {clock}"

    def _painted(self, text: str, kind: str) -> str:
        return f"{COLORS[kind]}{text}{RESET}" if self._color else text


def _elapsed(since: float) -> str:
    """The seconds since a moment of time.monotonic, as in "0.4s"."""
    return f"{time.monotonic() - since:.1f}s"
