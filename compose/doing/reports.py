"""What there is to tell about a command's progress: news of one resource after another."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from compose.deciding.steps import (
    Action,
    AdmitContainer,
    Await,
    Close,
    CreateContainer,
    CreateNetwork,
    CreateVolume,
    KillContainer,
    MakeImage,
    PauseContainer,
    RemoveContainer,
    RemoveImage,
    RemoveNetwork,
    RemoveVolume,
    RenameContainer,
    Rest,
    RetireContainer,
    StartContainer,
    StopContainer,
    UnpauseContainer,
    WatchContainer,
    described,
)
from compose.doing.execute import Happening, Phase

WORDS: dict[type, tuple[str, str]] = {
    MakeImage: ("Building", "Built"),
    RemoveImage: ("Removing", "Removed"),
    CreateNetwork: ("Creating", "Created"),
    RemoveNetwork: ("Removing", "Removed"),
    CreateVolume: ("Creating", "Created"),
    RemoveVolume: ("Removing", "Removed"),
    CreateContainer: ("Creating", "Created"),
    StartContainer: ("Starting", "Started"),
    AdmitContainer: ("Waiting", "Ready"),
    WatchContainer: ("Watching", "Steady"),
    RetireContainer: ("Retiring", "Retired"),
    RenameContainer: ("Renaming", "Renamed"),
    Rest: ("Resting", "Rested"),
    StopContainer: ("Stopping", "Stopped"),
    KillContainer: ("Killing", "Killed"),
    PauseContainer: ("Pausing", "Paused"),
    UnpauseContainer: ("Unpausing", "Unpaused"),
    RemoveContainer: ("Removing", "Removed"),
}
AWAITED = {"healthy": "Healthy", "completed": "Exited", "running": "Running"}


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
    if happening.phase == "failed" and happening.step.optional:
        return Report(resource(action), "Skipped", told(happening), over=True)
    if happening.phase == "failed":
        return Report(resource(action), "Error", happening.message, over=True, failed=True)
    if isinstance(action, Await):
        word = "Waiting" if happening.phase == "begun" else AWAITED[action.condition]
    else:
        word = WORDS[type(action)][happening.phase == "done"]
    settled = happening.phase == "done"
    return Report(resource(action), word, over=_is_last(action, happening.phase), settled=settled)


def told(happening: Happening) -> str:
    """Why a step failed, with what it means."""
    action = happening.step.action
    otherwise = action.otherwise if isinstance(action, Await) else ""
    if not otherwise:
        return happening.message
    return f"{'optional ' if happening.step.optional else ''}{otherwise}: {happening.message}"


def _is_last(action: Action, phase: Phase) -> bool:
    """Whether a resource has arrived, as far as this step can tell: after "Created" a container has yet to start."""
    return phase == "done" and not isinstance(action, CreateContainer | StopContainer)
