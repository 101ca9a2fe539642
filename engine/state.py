"""What is known of a container while it exists: one JSON file each, written by the supervisor alone."""

from typing import Literal

import msgspec

from engine.spec import ContainerSpec
from net.spec import Attachment, PublishedPort

Status = Literal["created", "running", "exited", "restarting"]
ALIVE: tuple[Status, ...] = ("running", "restarting")
"""A container that goes on: it runs, or its restart policy is about to start it again."""

Health = Literal["none", "starting", "healthy", "unhealthy"]


class ProcessIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """A process beyond doubt: a pid is reused; a pid with its start time (ticks since boot) and boot id is not."""

    pid: int
    start_ticks: int
    boot_id: str


class ContainerState(msgspec.Struct, frozen=True, kw_only=True):
    """A container's present. Times are nanoseconds since the epoch, 0 for "not yet".

    `process` is the container's first process while it runs. `exit_code` is None while it is unknown: before the
    first end, or when it ended unwatched on a kernel that keeps no exit information. `first_id` is the first of the
    65536 host ids that the container's ids are mapped to. `stopped_by_user` keeps restart policies from acting.
    `aside` says that neither names nor published ports lead to it. `paused` says that its processes are frozen, while
    `status` is running. `half_removed` says that its removal has failed: it lacks things and can only be removed.
    `failure` says why the last start failed or the health probe cannot run; empty otherwise.
    `health_output` is the end of what the probe printed that last changed `health`. `dropped_bytes` of its output
    could not be logged, for want of room; when the supervisor was killed meanwhile, it is at least so many. `troubles`
    are what somebody took from it, or did to it, while it ran. `unkillable` says what SIGKILL has not ended, empty as
    long as that has not been seen; with `leaving`, it is removed once it has ended at last.
    """

    id: str
    status: Status = "created"
    health: Health = "none"
    process: ProcessIdentity | None = None
    exit_code: int | None = None
    oom_killed: bool = False
    created_ns: int = 0
    started_ns: int = 0
    finished_ns: int = 0
    restarts: int = 0
    first_id: int = 0
    stopped_by_user: bool = False
    paused: bool = False
    half_removed: bool = False
    aside: bool = False
    failure: str = ""
    health_output: str = ""
    dropped_bytes: int = 0
    troubles: tuple[str, ...] = ()
    unkillable: str = ""
    leaving: bool = False
    attachments: tuple[Attachment, ...] = ()
    ports: tuple[PublishedPort, ...] = ()


class ContainerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A container as observers see it: what it was asked to be and how it is."""

    spec: ContainerSpec
    state: ContainerState


def lives(state: ContainerState) -> bool:
    """Whether a container goes on and nothing keeps it from serving: one that SIGKILL has not ended does no more."""
    return state.status in ALIVE and not state.unkillable


def has_finished(record: ContainerRecord) -> bool:
    """Whether a container has done its work: it ended with success, nothing starts it again or asks for its health."""
    spec, state = record.spec, record.state
    lasting = spec.health is not None or spec.restart.condition != "no"
    return state.status == "exited" and state.exit_code == 0 and not lasting
