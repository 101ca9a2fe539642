"""The language between the command line and a stack's supervisor: one JSON object a line, over a Unix socket.

Every request carries a number; its one reply carries the same number, in any order. After `Subscribe`, events follow
until the connection ends. A request larger than 1 MiB ends the connection.
"""

from typing import Literal

import msgspec

from engine.spec import ContainerSpec
from engine.state import ContainerRecord
from net.spec import NetworkSpec, NetworkState

MAX_LINE_BYTES = 1 << 20

Action = Literal[
    "create",
    "start",
    "die",
    "restart",
    "health",
    "stop",
    "kill",
    "oom",
    "pause",
    "unpause",
    "admit",
    "retire",
    "rename",
    "remove",
    "drop",
    "trouble",
]


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """Asks who is there; answered with Greeting."""


class EnsureNetwork(msgspec.Struct, frozen=True, kw_only=True, tag="ensure-network"):
    """Makes a network (and the router) if missing; answered with NetworkState."""

    spec: NetworkSpec


class RemoveNetwork(msgspec.Struct, frozen=True, kw_only=True, tag="remove-network"):
    """Removes a network that nobody is attached to; answered with Done."""

    name: str


class Create(msgspec.Struct, frozen=True, kw_only=True, tag="create"):
    """Records a container, leases its ids and addresses, makes its directories; answered with ContainerRecord."""

    spec: ContainerSpec


class Start(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """Starts a created or exited container; answered with ContainerRecord once its program runs, or Failure.

    With `aside`, neither names nor published ports lead to it until it is admitted.
    """

    id: str
    aside: bool = False


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    """Stops a container: its stop signal, then SIGKILL after the grace period; answered with ContainerRecord.

    Answered with Failure once SIGKILL has had no effect for some seconds; one that `leaves` is removed then as soon as
    it ends.
    """

    id: str
    grace_seconds: float | None = None
    leaves: bool = False


class Kill(msgspec.Struct, frozen=True, kw_only=True, tag="kill"):
    """Sends one signal; answered with ContainerRecord at once, for SIGKILL after the end or with Failure as Stop."""

    id: str
    signal: str = "SIGKILL"


class Admit(msgspec.Struct, frozen=True, kw_only=True, tag="admit"):
    """Has names and ports lead to a container that was started aside, once it is ready; answered with ContainerRecord.

    Ready is healthy or, without a health check, listening on the ports that it publishes. A container that retired
    may be admitted again. Answered with Failure once it cannot get ready.
    """

    id: str


class Retire(msgspec.Struct, frozen=True, kw_only=True, tag="retire"):
    """Has neither names nor ports lead to a container any more; answered with ContainerRecord.

    That is once nobody is connected to it, after `drain_seconds` (None: its grace period) at the latest.
    """

    id: str
    drain_seconds: float | None = None


class Attach(msgspec.Struct, frozen=True, kw_only=True, tag="attach"):
    """Passes what a container prints on to pipes until it ends; answered with ContainerRecord.

    Two or three descriptors come with the request: where its standard output and error go (on a terminal everything is
    output), and what its program reads as standard input if it is started next. The size is that of its terminal then.
    """

    id: str
    rows: int = 0
    columns: int = 0


class Leave(msgspec.Struct, frozen=True, kw_only=True, tag="leave"):
    """Takes over a terminal whose user has detached; answered with Done.

    The terminal's master comes with the request: what is written on it is read and thrown away until no program has it
    open any more.
    """


class Rename(msgspec.Struct, frozen=True, kw_only=True, tag="rename"):
    """Gives a container another name that nobody has; answered with ContainerRecord."""

    id: str
    name: str


class Watch(msgspec.Struct, frozen=True, kw_only=True, tag="watch"):
    """Answered with ContainerRecord once a container has run so long, with Failure once it ends or is unhealthy.

    One that `may_finish` may have ended with success, if nothing starts it again.
    """

    id: str
    seconds: float
    may_finish: bool = False


class Rest(msgspec.Struct, frozen=True, kw_only=True, tag="rest"):
    """Answered with Done after so long."""

    seconds: float


class Pause(msgspec.Struct, frozen=True, kw_only=True, tag="pause"):
    """Freezes every process of a running container; answered with ContainerRecord once they stand still.

    With `held`, the container goes on at the latest when whoever asked is gone.
    """

    id: str
    held: bool = False


class Unpause(msgspec.Struct, frozen=True, kw_only=True, tag="unpause"):
    """Lets a paused container go on; answered with ContainerRecord."""

    id: str


class Remove(msgspec.Struct, frozen=True, kw_only=True, tag="remove"):
    """Removes a container that does not run, with everything that was made for it; answered with Done.

    With `keep_data`, its writable layer and logs stay (an image build takes them over).
    """

    id: str
    keep_data: bool = False


class Wait(msgspec.Struct, frozen=True, kw_only=True, tag="wait"):
    """Answered with ContainerRecord once the condition holds, or with Failure once it no longer can.

    `exited` waits for any end (of a container that is not started again); the reply carries the exit code.
    """

    id: str
    condition: Literal["started", "healthy", "completed", "exited"]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot"):
    """Asks for everything that is known; answered with Picture."""


class Subscribe(msgspec.Struct, frozen=True, kw_only=True, tag="subscribe"):
    """Asks for events from now on; answered with Done, then Event lines with number 0."""


class Shutdown(msgspec.Struct, frozen=True, kw_only=True, tag="shutdown"):
    """Removes everything of a stack without containers, run directory included; answered with Done at the end."""


Request = (
    Hello
    | EnsureNetwork
    | RemoveNetwork
    | Create
    | Start
    | Stop
    | Kill
    | Pause
    | Unpause
    | Admit
    | Retire
    | Rename
    | Attach
    | Leave
    | Watch
    | Rest
    | Remove
    | Wait
    | Snapshot
    | Subscribe
    | Shutdown
)


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """The request was carried out."""


class Greeting(msgspec.Struct, frozen=True, kw_only=True, tag="greeting"):
    """Who answers."""

    version: str
    pid: int


class OneContainer(msgspec.Struct, frozen=True, kw_only=True, tag="container"):
    """The container after the request."""

    record: ContainerRecord


class OneNetwork(msgspec.Struct, frozen=True, kw_only=True, tag="network"):
    """The network after the request."""

    state: NetworkState


class Picture(msgspec.Struct, frozen=True, kw_only=True, tag="picture"):
    """Everything that the supervisor knows."""

    containers: tuple[ContainerRecord, ...]
    networks: tuple[NetworkState, ...]


class Failure(msgspec.Struct, frozen=True, kw_only=True, tag="failure"):
    """The request was not carried out. `stage`, `errno` and `exit_code` are those of a failed start."""

    message: str
    hint: str = ""
    stage: str = ""
    errno: int = 0
    exit_code: int = 1


class Event(msgspec.Struct, frozen=True, kw_only=True, tag="event"):
    """Something happened to a container. `record` is how it is afterwards (None once it is removed).

    `attributes` are what others are told of it: the image, the exit code, the labels of the file.
    """

    time_ns: int
    action: Action
    container_id: str
    container_name: str
    service: str
    record: ContainerRecord | None = None
    attributes: dict[str, str] = {}
    one_off: bool = False


Reply = Done | Greeting | OneContainer | OneNetwork | Picture | Failure | Event


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request on the wire."""

    number: int
    request: Request


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A reply on the wire; number 0 for events."""

    number: int
    reply: Reply
