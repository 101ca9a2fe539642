"""A plan: steps with a cause each, in an order that their needs allow."""

from typing import Literal

import msgspec
import msgspec.structs

from engine.spec import ContainerSpec
from net.spec import NetworkSpec

AwaitCondition = Literal["healthy", "completed", "running"]
SETTLING_SECONDS = 0.5
"""So long a container without a health check has to run before it counts as running."""


class MakeImage(msgspec.Struct, frozen=True, kw_only=True, tag="make"):
    """Makes an image for `services`: builds it as the service `builder` says, or (empty) gets it from elsewhere.

    With `pull`, from its registry; with `refresh`, though it is here.
    """

    name: str
    services: tuple[str, ...]
    builder: str = ""
    pull: bool = False
    refresh: bool = False


class RemoveImage(msgspec.Struct, frozen=True, kw_only=True, tag="remove-image"):
    """Takes an image's name away; what no other name holds goes with it."""

    name: str


class CreateNetwork(msgspec.Struct, frozen=True, kw_only=True, tag="create-network"):
    """Makes a network."""

    spec: NetworkSpec


class RemoveNetwork(msgspec.Struct, frozen=True, kw_only=True, tag="remove-network"):
    """Removes a network that nobody is attached to any more."""

    name: str


class CreateVolume(msgspec.Struct, frozen=True, kw_only=True, tag="create-volume"):
    """Makes a volume; `options` are the local driver's."""

    name: str
    labels: dict[str, str]
    options: dict[str, str] = {}


class RemoveVolume(msgspec.Struct, frozen=True, kw_only=True, tag="remove-volume"):
    """Removes a volume with its data."""

    name: str


class CreateContainer(msgspec.Struct, frozen=True, kw_only=True, tag="create"):
    """Makes a container without starting it."""

    spec: ContainerSpec


class StartContainer(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """Starts a container; `aside`: nobody is led to it until it is admitted."""

    id: str
    name: str
    aside: bool = False


class AdmitContainer(msgspec.Struct, frozen=True, kw_only=True, tag="admit"):
    """Waits until a container is ready, then has names and published ports lead to it."""

    id: str
    name: str


class WatchContainer(msgspec.Struct, frozen=True, kw_only=True, tag="watch"):
    """Watches that a container runs well for a while."""

    id: str
    name: str
    seconds: float


class RetireContainer(msgspec.Struct, frozen=True, kw_only=True, tag="retire"):
    """Has nobody led to a container any more, and those who are connected to it finish."""

    id: str
    name: str


class RenameContainer(msgspec.Struct, frozen=True, kw_only=True, tag="rename"):
    """Gives a container the name that another one had."""

    id: str
    name: str
    new_name: str


class Rest(msgspec.Struct, frozen=True, kw_only=True, tag="rest"):
    """Lets a service be for a while between two parts of its update."""

    name: str
    seconds: float
    turn: int


class StopContainer(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    """Stops a container; `grace_seconds` None means its own grace period. One that `leaves` is removed afterwards."""

    id: str
    name: str
    grace_seconds: float | None = None
    leaves: bool = False


class KillContainer(msgspec.Struct, frozen=True, kw_only=True, tag="kill"):
    """Sends a container's first process a signal."""

    id: str
    name: str
    signal: str = "SIGKILL"


class PauseContainer(msgspec.Struct, frozen=True, kw_only=True, tag="pause"):
    """Makes a container stand still."""

    id: str
    name: str


class UnpauseContainer(msgspec.Struct, frozen=True, kw_only=True, tag="unpause"):
    """Lets a paused container go on."""

    id: str
    name: str


class RemoveContainer(msgspec.Struct, frozen=True, kw_only=True, tag="remove"):
    """Removes a container with its writable layer and logs."""

    id: str
    name: str


class Await(msgspec.Struct, frozen=True, kw_only=True, tag="wait"):
    """Waits until a container is as others need it; `otherwise` is what it means that it cannot be any more."""

    id: str
    name: str
    condition: AwaitCondition
    otherwise: str = ""


class Close(msgspec.Struct, frozen=True, kw_only=True, tag="close"):
    """Ends the stack's supervisor and removes what only the stack as a whole needs."""

    name: str


ContainerAction = (
    CreateContainer
    | StartContainer
    | AdmitContainer
    | WatchContainer
    | RetireContainer
    | RenameContainer
    | StopContainer
    | KillContainer
    | PauseContainer
    | UnpauseContainer
    | RemoveContainer
    | Await
)
Action = (
    MakeImage
    | RemoveImage
    | CreateNetwork
    | RemoveNetwork
    | CreateVolume
    | RemoveVolume
    | ContainerAction
    | Rest
    | Close
)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One action and why.

    `needs` are the keys of steps that must have succeeded, `after` of those that must merely be over. `roll` is the
    service whose rolling update the step is part of. The failure of an `optional` one is told, and no more.
    """

    key: str
    action: Action
    cause: str
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    roll: str = ""
    optional: bool = False


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    """A service's rolling update as a whole: so many of its replicas may fail before the plan is given up."""

    service: str
    failure_action: Literal["pause", "continue", "rollback"]
    tolerated: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done for a stack; every step stands after those that it waits for.

    `unchanged` are the names of the containers that go on as they are, `finished` those of jobs that are done.
    """

    stack: str
    steps: tuple[Step, ...] = ()
    unchanged: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rolls: tuple[Roll, ...] = ()


WORDS: dict[type, tuple[str, str]] = {
    MakeImage: ("make", "image"),
    RemoveImage: ("remove", "image"),
    CreateNetwork: ("create", "network"),
    RemoveNetwork: ("remove", "network"),
    CreateVolume: ("create", "volume"),
    RemoveVolume: ("remove", "volume"),
    CreateContainer: ("create", "container"),
    StartContainer: ("start", "container"),
    AdmitContainer: ("admit", "container"),
    WatchContainer: ("watch", "container"),
    RetireContainer: ("retire", "container"),
    RenameContainer: ("rename", "container"),
    Rest: ("rest", "service"),
    StopContainer: ("stop", "container"),
    KillContainer: ("kill", "container"),
    PauseContainer: ("pause", "container"),
    UnpauseContainer: ("unpause", "container"),
    RemoveContainer: ("remove", "container"),
    Await: ("wait", "container"),
    Close: ("close", "stack"),
}


def described(action: Action) -> tuple[str, str, str]:
    """An action in three words: verb, kind of thing, the thing's name."""
    verb, kind = WORDS[type(action)]
    if isinstance(action, MakeImage) and action.builder:
        verb = "build"
    elif isinstance(action, MakeImage) and action.pull:
        verb = "pull"
    name = action.spec.name if isinstance(action, CreateNetwork | CreateContainer) else action.name
    return verb, kind, name


class Draft:
    """A plan in the making: steps are added in any order and sorted at the end."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}
        self._befores: dict[str, list[str]] = {}

    def add(
        self,
        action: Action,
        cause: str,
        *,
        needs: tuple[str, ...] = (),
        after: tuple[str, ...] = (),
        roll: str = "",
        optional: bool = False,
    ) -> str:
        """Adds a step unless it is there already; returns its key. Needs on steps that never come are dropped.

        A step that was optional is so no more once it is added as one that is not.
        """
        key = " ".join(described(action))
        if isinstance(action, Await):
            key += f" {action.condition}"
        if isinstance(action, Rest):
            key += f" {action.turn}"
        step = Step(key=key, action=action, cause=cause, needs=needs, after=after, roll=roll, optional=optional)
        if self._steps.setdefault(key, step).optional and not optional:
            self._steps[key] = msgspec.structs.replace(self._steps[key], optional=False)
        return key

    def order(self, first: str, then: str) -> None:
        """Makes the step `then` wait until the step `first` is over."""
        self._befores.setdefault(then, []).append(first)

    def __contains__(self, key: str) -> bool:
        return key in self._steps

    def sorted(self) -> tuple[Step, ...]:
        """The steps in the order they were added in, but for those that others wait for: they come before these."""
        done: dict[str, Step] = {}
        opened: set[str] = set()
        for first in self._steps:
            pending = [first]
            while pending:
                step = self._connected(self._steps[pending[-1]])
                missing = [key for key in (*step.needs, *step.after) if key not in done]
                if missing:
                    if step.key in opened:  # what it waits for was to come first, and waits for it
                        raise AssertionError(f"steps wait for each other: {step.key}, {', '.join(missing)}")
                    opened.add(step.key)
                    pending.extend(reversed(missing))
                else:
                    done[pending.pop()] = step
        return tuple(done.values())

    def _connected(self, step: Step) -> Step:
        """The step with what was ordered before it, without needs on steps that are not part of the plan."""
        needs = tuple(dict.fromkeys(key for key in step.needs if key in self._steps))
        after = dict.fromkeys((*step.after, *self._befores.get(step.key, ())))
        return msgspec.structs.replace(
            step, needs=needs, after=tuple(key for key in after if key in self._steps and key not in needs)
        )
