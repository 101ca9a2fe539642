"""Tells on standard error how a command gets on: one line a resource."""

import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, Protocol, TextIO

from compose.execute import Happening, Phase
from compose.steps import (
    Action,
    Await,
    Close,
    CreateContainer,
    CreateNetwork,
    CreateVolume,
    MakeImage,
    RemoveContainer,
    RemoveImage,
    RemoveNetwork,
    RemoveVolume,
    StartContainer,
    StopContainer,
    described,
)

Mode = Literal["tty", "plain", "json", "quiet"]
REPAINT_SECONDS = 0.1
WORDS: dict[type, tuple[str, str]] = {
    MakeImage: ("Building", "Built"),
    RemoveImage: ("Removing", "Removed"),
    CreateNetwork: ("Creating", "Created"),
    RemoveNetwork: ("Removing", "Removed"),
    CreateVolume: ("Creating", "Created"),
    RemoveVolume: ("Removing", "Removed"),
    CreateContainer: ("Creating", "Created"),
    StartContainer: ("Starting", "Started"),
    StopContainer: ("Stopping", "Stopped"),
    RemoveContainer: ("Removing", "Removed"),
}
AWAITED = {"healthy": "Healthy", "completed": "Exited"}


class Report(NamedTuple):
    """A resource's news: its key ("Container web-1"), a word ("Started"), details.

    `over` says that no more news of it are expected, `settled` that none are due, `failed` that it went wrong.
    """

    resource: str
    word: str
    detail: str = ""
    over: bool = False
    settled: bool = False
    failed: bool = False


class Progress(Protocol):
    """Where reports go; `close` leaves the terminal as it should be.

    With `tick_seconds`, `tick` wants to be called that often while nothing happens.
    """

    tick_seconds: float | None

    def report(self, report: Report) -> None:
        """Shows news of a resource."""

    def line(self, text: str) -> None:
        """Shows a line that is no resource's, such as a build's output."""

    def tick(self) -> None:
        """Shows that time goes by."""

    def above(self, write: Callable[[], None]) -> None:
        """Lets somebody else write to the terminal, above what is shown here."""

    def close(self) -> None:
        """Shows the last state."""


def open_progress(mode: Mode, *, title: str, stream: TextIO, expected: Iterable[Action] = (), color: bool) -> Progress:
    """Progress in the wanted form. `title` is the command's verb; `expected` tells how many resources there will be."""
    match mode:
        case "tty":
            from compose.livelines import LiveLines  # noqa: PLC0415 - only a terminal needs it

            return LiveLines(stream, title=title, resources=[resource(action) for action in expected], color=color)
        case "plain":
            return PlainLines(stream)
        case "json":
            return JsonLines(stream)
        case "quiet":
            return Silence()


def resource(action: Action) -> str:
    """The resource of an action as lines show it: "Container web-1"."""
    _, kind, name = described(action)
    if isinstance(action, CreateVolume | RemoveVolume) and len(name) == 64:
        name = name[:12]
    return f"{kind.capitalize()} {name}"


def report_of(happening: Happening) -> Report | None:
    """A step's progress as a report; None for what needs no line."""
    action = happening.step.action
    if happening.phase == "skipped" or isinstance(action, Close):
        return None
    if happening.phase == "failed":
        return Report(resource(action), "Error", happening.message, over=True, failed=True)
    if isinstance(action, Await):
        word = "Waiting" if happening.phase == "begun" else AWAITED[action.condition]
    else:
        word = WORDS[type(action)][happening.phase == "done"]
    settled = happening.phase == "done"
    return Report(resource(action), word, over=_is_last(action, happening.phase), settled=settled)


def _is_last(action: Action, phase: Phase) -> bool:
    """Whether a resource has arrived, as far as this step can tell: after "Created" a container has yet to start."""
    return phase == "done" and not isinstance(action, CreateContainer | StopContainer)


class PlainLines:
    """One line a report, in the order they come."""

    tick_seconds: float | None = None

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def report(self, report: Report) -> None:
        """See Progress."""
        detail = f"  {report.detail}" if report.detail else ""
        self.line(f" {report.resource}  {report.word}{detail}")

    def line(self, text: str) -> None:
        """See Progress."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def tick(self) -> None:
        """See Progress."""

    def above(self, write: Callable[[], None]) -> None:
        """See Progress."""
        write()

    def close(self) -> None:
        """See Progress."""


class JsonLines(PlainLines):
    """One JSON object a report, with the keys that Compose uses."""

    def report(self, report: Report) -> None:
        """See Progress."""
        status = "Error" if report.failed else "Done" if report.over else "Working"
        self._write({"id": report.resource, "status": status, "text": report.word, "details": report.detail})

    def line(self, text: str) -> None:
        """See Progress."""
        self._write({"text": text})

    def _write(self, event: dict[str, Any]) -> None:
        import msgspec  # noqa: PLC0415 - plain progress needs none

        kept = {key: value for key, value in event.items() if value}
        super().line(msgspec.json.encode(kept).decode())


class Silence:
    """Shows nothing."""

    tick_seconds: float | None = None

    def report(self, report: Report) -> None:
        """See Progress."""

    def line(self, text: str) -> None:
        """See Progress."""

    def tick(self) -> None:
        """See Progress."""

    def above(self, write: Callable[[], None]) -> None:
        """See Progress."""
        write()

    def close(self) -> None:
        """See Progress."""


def elapsed(since: float) -> str:
    """The seconds since a moment of time.monotonic, as in "0.4s"."""
    return f"{time.monotonic() - since:.1f}s"


def terminal_mode(choice: str, stream: TextIO | None = None) -> Mode:
    """What `--progress auto` means on this stream (standard error)."""
    match choice:
        case "tty" | "plain" | "json" | "quiet":
            return choice
        case _:
            return "tty" if (stream or sys.stderr).isatty() else "plain"
