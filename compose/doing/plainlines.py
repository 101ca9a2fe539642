"""Progress for files, pipes and programs: one line a report."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from compose.doing.reports import Report

if TYPE_CHECKING:
    from engine.protocol import Event


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
    """One JSON object a report, with the keys that Compose uses, and one an event."""

    def report(self, report: Report) -> None:
        """See Progress."""
        status = "Error" if report.failed else "Done" if report.over else "Working"
        self._write({"id": report.resource, "status": status, "text": report.word, "details": report.detail})

    def line(self, text: str) -> None:
        """See Progress."""
        self._write({"text": text})

    def event(self, event: "Event") -> None:
        """What happened to a container, as `events --json` tells it."""
        from compose.doing.happened import event_json  # noqa: PLC0415 - plain progress needs none

        super().line(event_json(event))

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
