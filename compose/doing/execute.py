"""Carries a plan out: a step is sent to the supervisor the moment those that it waits for are done."""

import select
import time
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from compose.deciding.steps import (
    SETTLING_SECONDS,
    AdmitContainer,
    Await,
    Close,
    ContainerAction,
    CreateContainer,
    CreateNetwork,
    CreateVolume,
    KillContainer,
    MakeImage,
    PauseContainer,
    Plan,
    RemoveContainer,
    RemoveImage,
    RemoveNetwork,
    RemoveVolume,
    RenameContainer,
    Rest,
    RetireContainer,
    StartContainer,
    Step,
    StopContainer,
    UnpauseContainer,
    WatchContainer,
)
from compose.errors import OverdueError
from engine.errors import EngineError
from engine.protocol import (
    Admit,
    Create,
    EnsureNetwork,
    Event,
    Failure,
    Kill,
    OneContainer,
    Pause,
    Remove,
    Rename,
    Reply,
    Request,
    Retire,
    Shutdown,
    Start,
    Stop,
    Unpause,
    Wait,
    Watch,
)
from engine.protocol import RemoveNetwork as AskRemoveNetwork
from engine.protocol import Rest as AskRest
from engine.state import ContainerRecord

MOST_IN_FLIGHT = 64

Phase = Literal["begun", "done", "failed", "skipped"]


class Supervisor(Protocol):
    """What is needed of engine.client.Client."""

    @property
    def pending(self) -> bool:
        """Whether `receive` returns at once."""

    @property
    def patience_seconds(self) -> float:
        """How long a silence calls for `greet`."""

    def fileno(self) -> int:
        """The socket."""

    def greet(self) -> None:
        """Asks whether it is there; SupervisorError when it was asked before and has not answered."""

    def send(self, request: Request) -> int:
        """Sends a request; gives its number."""

    def receive(self) -> tuple[int, Reply]:
        """The next reply with its number; 0 for events."""


class Shelf(Protocol):
    """Where things live that no supervisor keeps: volumes and images."""

    def create_volume(self, name: str, labels: dict[str, str], options: dict[str, str]) -> None:
        """Makes a volume if missing."""

    def remove_volume(self, name: str) -> None:
        """Removes a volume with its data."""

    def remove_image(self, name: str) -> None:
        """Takes an image's name away."""


class Happening(NamedTuple):
    """A step's progress; `record` is the container after the step, `message` and `hint` say why it failed."""

    step: Step
    phase: Phase
    record: ContainerRecord | None = None
    message: str = ""
    hint: str = ""
    exit_code: int = 1


WaitForNews = Callable[[Supervisor, float | None], bool]


def wait_readable(supervisor: Supervisor, timeout_seconds: float | None) -> bool:
    """Waits until the supervisor has news, at the most so many seconds; says whether it has."""
    return supervisor.pending or bool(select.select([supervisor], [], [], timeout_seconds)[0])


class Execution:
    """One walk over a plan, with at most `parallel` actions at a time (0: as many as the supervisor takes well).

    After a failure, actions that have begun are waited for (not what merely waits); others are begun only if
    `persist`, or as long as the rolling update that failed tolerates it. `on_event` gets what the supervisor tells
    unasked. `wait` waits for the supervisor's next news, at the most so many seconds, and says whether there are some.
    """

    def __init__(
        self,
        plan: Plan,
        supervisor: Callable[[], Supervisor],
        shelf: Shelf,
        *,
        on_happening: Callable[[Happening], None],
        on_event: Callable[[Event], None] = lambda _event: None,
        wait: WaitForNews = wait_readable,
        persist: bool = False,
        parallel: int = 0,
    ) -> None:
        self._plan = plan
        self._connect = supervisor
        self._supervisor: Supervisor | None = None
        self._shelf = shelf
        self._on_happening = on_happening
        self._on_event = on_event
        self._wait = wait
        self._persist = persist
        self._parallel = parallel if parallel > 0 else MOST_IN_FLIGHT
        self._missing = {step.key: len(step.needs) + len(step.after) for step in plan.steps}
        self._waiting: dict[str, list[tuple[Step, bool]]] = {}
        for step in plan.steps:
            for key in step.needs:
                self._waiting.setdefault(key, []).append((step, True))
            for key in step.after:
                self._waiting.setdefault(key, []).append((step, False))
        self._ready = deque(step for step in plan.steps if not self._missing[step.key])
        self._asked: dict[int, Step] = {}
        self._busy = 0
        self._skipped: set[str] = set()
        self._failures: list[Happening] = []
        self._tolerance = {roll.service: roll.tolerated for roll in plan.rolls}
        self._halted = False

    def run(self, *, timeout_seconds: float | None = None) -> tuple[Happening, ...]:
        """Walks the plan to its end; gives the failures. OverdueError when the time is over before."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while True:
            self._begin_ready()
            if not self._asked or (self._halted and not self._busy):
                break
            self._take_reply(deadline, timeout_seconds)
        return tuple(self._failures)

    def _begin_ready(self) -> None:
        while self._ready and self._busy < self._parallel:
            step = self._ready.popleft()
            if step.key in self._skipped or self._halted:
                self._over(step, "skipped")
                continue
            self._on_happening(Happening(step, "begun"))
            request = _request(step)
            if request is None:
                self._do_locally(step)
                continue
            if self._supervisor is None:
                self._supervisor = self._connect()
            self._asked[self._supervisor.send(request)] = step
            self._busy += not isinstance(step.action, Await)

    def _do_locally(self, step: Step) -> None:
        try:
            match step.action:
                case CreateVolume():
                    self._shelf.create_volume(step.action.name, step.action.labels, step.action.options)
                case RemoveVolume():
                    self._shelf.remove_volume(step.action.name)
                case RemoveImage():
                    self._shelf.remove_image(step.action.name)
        except EngineError as error:
            self._failed(Happening(step, "failed", message=error.message, hint=error.hint))
        else:
            self._over(step, "done")

    def _take_reply(self, deadline: float | None, timeout_seconds: float | None) -> None:
        supervisor = self._supervisor
        if supervisor is None:
            raise AssertionError("a reply is due from nobody")
        remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
        patience = supervisor.patience_seconds
        if not self._wait(supervisor, patience if remaining is None else min(patience, remaining)):
            if remaining is None or remaining > patience:
                supervisor.greet()
                return
            waiting = ", ".join(step.action.name for step in self._asked.values() if isinstance(step.action, Await))
            raise OverdueError(
                f"application not healthy after {timeout_seconds:g}s",
                hint=f"still waiting for: {waiting or 'steps that have begun'}",
            )
        number, reply = supervisor.receive()
        if isinstance(reply, Event):
            self._on_event(reply)
            return
        step = self._asked.pop(number, None)
        if step is None:
            return
        self._busy -= not isinstance(step.action, Await)
        if isinstance(reply, Failure):
            self._failed(Happening(step, "failed", message=reply.message, hint=reply.hint, exit_code=reply.exit_code))
        else:
            self._over(step, "done", reply.record if isinstance(reply, OneContainer) else None)

    def _failed(self, happening: Happening) -> None:
        if happening.step.optional:
            self._on_happening(happening)
            self._release(happening.step, succeeded=False)
            return
        self._failures.append(happening)
        roll = happening.step.roll
        if roll:
            self._tolerance[roll] -= 1
        self._halted = self._halted or not (self._persist or (roll and self._tolerance[roll] >= 0))
        self._on_happening(happening)
        self._release(happening.step, succeeded=False)

    def _over(self, step: Step, phase: Literal["done", "skipped"], record: ContainerRecord | None = None) -> None:
        self._on_happening(Happening(step, phase, record))
        self._release(step, succeeded=phase == "done")

    def _release(self, step: Step, *, succeeded: bool) -> None:
        for waiting, needs_success in self._waiting.get(step.key, ()):
            if needs_success and not succeeded:
                self._skipped.add(waiting.key)
            self._missing[waiting.key] -= 1
            if not self._missing[waiting.key]:
                self._ready.append(waiting)


def _request(step: Step) -> Request | None:
    """What to ask the supervisor for; None for what no supervisor does."""
    action = step.action
    request: Request | None = None
    match action:
        case CreateNetwork():
            request = EnsureNetwork(spec=action.spec)
        case RemoveNetwork():
            request = AskRemoveNetwork(name=action.name)
        case Close():
            request = Shutdown()
        case Rest():
            request = AskRest(seconds=action.seconds)
        case MakeImage() | RemoveImage() | CreateVolume() | RemoveVolume():
            pass
        case _:
            request = _container_request(action)
    return request


def _container_request(action: ContainerAction) -> Request:  # noqa: C901, PLR0911, PLR0912 - a table
    match action:
        case CreateContainer():
            return Create(spec=action.spec)
        case StartContainer():
            return Start(id=action.id, aside=action.aside)
        case AdmitContainer():
            return Admit(id=action.id)
        case WatchContainer():
            return Watch(id=action.id, seconds=action.seconds)
        case RetireContainer():
            return Retire(id=action.id)
        case RenameContainer():
            return Rename(id=action.id, name=action.new_name)
        case StopContainer():
            return Stop(id=action.id, grace_seconds=action.grace_seconds, leaves=action.leaves)
        case KillContainer():
            return Kill(id=action.id, signal=action.signal)
        case PauseContainer():
            return Pause(id=action.id)
        case UnpauseContainer():
            return Unpause(id=action.id)
        case RemoveContainer():
            return Remove(id=action.id)
        case Await():
            if action.condition == "running":
                return Watch(id=action.id, seconds=SETTLING_SECONDS, may_finish=True)
            return Wait(id=action.id, condition=action.condition)
