"""One container as its supervisor holds it: spec, state, descriptors, who waits for what."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from engine.protocol import Failure
from engine.spec import ContainerSpec
from engine.state import ContainerRecord, ContainerState
from engine.supervisor.audience import Audience
from engine.supervisor.logs import Output
from engine.supervisor.waiting import Condition
from engine.terminals import WindowSize

Answered = Callable[[ContainerRecord | Failure], None]


def _nothing() -> None:
    """What cancels a timer that is not set."""


class Probing(Protocol):
    """Health probes under way."""

    def stop(self) -> None:
        """Ends them, a running one with its processes."""


class Container:
    """What the supervisor knows of one container beyond its record. Changed by the modules of this package alone.

    `pidfd` is its first process while it runs, else -1; `is_child` whether that is a child of this very process.
    `launching` lasts until its program runs or failed to, `after_launch` holds what waits for that; `removing` until it
    is `gone`. `attempts` counts the restarts since it last ran stably, `was_healthy` is about its present run, `began`
    is when that was started, in the loop's seconds. `audience` are those who listen to what it prints; `stdin` is what
    its program is to read at the next start (-1: what its spec says), `window` the size of its terminal then.
    `cancel_expectation` is there while SIGKILL is about to end it.
    """

    def __init__(self, spec: ContainerSpec, state: ContainerState) -> None:
        self.spec = spec
        self.state = state
        self.pidfd = -1
        self.is_child = True
        self.launching = False
        self.removing = False
        self.gone = False
        self.attempts = 0
        self.was_healthy = False
        self.began = 0.0
        self.output: Output | None = None
        self.audience: Audience | None = None
        self.stdin = -1
        self.window: WindowSize | None = None
        self.probing: Probing | None = None
        self.finish_launch: Callable[[], None] | None = None
        self.after_launch: list[Callable[[], None]] = []
        self.cancel_restart: Callable[[], None] = _nothing
        self.cancel_kill: Callable[[], None] = _nothing
        self.started: list[Answered] = []
        self.cancel_expectation: Callable[[], None] | None = None
        self.stopped: list[Answered] = []
        self.leaving: list[tuple[float | None, Answered]] = []
        self.removed: list[Callable[[Failure | None], None]] = []
        self.waits: list[tuple[Condition, Answered]] = []

    @property
    def record(self) -> ContainerRecord:
        """The container as observers see it."""
        return ContainerRecord(spec=self.spec, state=self.state)

    @property
    def running(self) -> bool:
        """Whether its first process exists (its program may not be there yet)."""
        return self.pidfd >= 0

    @property
    def led_to(self) -> bool:
        """Whether names lead to it."""
        return self.running and not self.state.aside

    def change(self, **fields: object) -> None:
        """Replaces fields of the state, in memory only."""
        self.state = msgspec.structs.replace(self.state, **fields)

    def answer(self, callbacks: list[Answered], reply: ContainerRecord | Failure) -> None:
        """Answers everybody on a list, which is empty afterwards."""
        waiting, callbacks[:] = list(callbacks), []
        for callback in waiting:
            callback(reply)
