"""Sets the resource limits that every container's process starts with; see getrlimit(2)."""

import resource
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from engine.errors import StartError
from engine.spec import ResourceLimit

INFINITY = resource.RLIM_INFINITY


class Limit(NamedTuple):
    """One limit: what is wanted, before the host's own bound."""

    resource: int
    soft: int
    hard: int


WANTED = (
    Limit(resource.RLIMIT_NOFILE, 65536, 524288),
    Limit(resource.RLIMIT_NPROC, INFINITY, INFINITY),  # the pids control group rules
    Limit(resource.RLIMIT_MEMLOCK, 8 << 20, 8 << 20),
    Limit(resource.RLIMIT_CORE, 0, 0),
    Limit(resource.RLIMIT_NICE, 0, 0),
    Limit(resource.RLIMIT_RTPRIO, 0, 0),
)

# By the names of Compose and ulimit(1), which are those of getrlimit(2); 10 is RLIMIT_LOCKS.
NUMBERS = {
    "as": resource.RLIMIT_AS,
    "core": resource.RLIMIT_CORE,
    "cpu": resource.RLIMIT_CPU,
    "data": resource.RLIMIT_DATA,
    "fsize": resource.RLIMIT_FSIZE,
    "locks": 10,
    "memlock": resource.RLIMIT_MEMLOCK,
    "msgqueue": resource.RLIMIT_MSGQUEUE,
    "nice": resource.RLIMIT_NICE,
    "nofile": resource.RLIMIT_NOFILE,
    "nproc": resource.RLIMIT_NPROC,
    "rss": resource.RLIMIT_RSS,
    "rtprio": resource.RLIMIT_RTPRIO,
    "rttime": resource.RLIMIT_RTTIME,
    "sigpending": resource.RLIMIT_SIGPENDING,
    "stack": resource.RLIMIT_STACK,
}


def core_is_piped() -> bool:
    """Whether the host hands core dumps to a program; see core(5)."""
    return Path("/proc/sys/kernel/core_pattern").read_bytes().startswith(b"|")


def bounded(wanted: Limit, bound: int) -> tuple[int, int]:
    """The (soft, hard) limit that can be set where the present hard limit is `bound`."""
    hard = _lower(wanted.hard, bound)
    return _lower(wanted.soft, hard), hard


def apply(pid: int, chosen: Sequence[ResourceLimit] = ()) -> None:
    """Sets the default limits on another process of ours, and so on all that it will make.

    Room is made for the `chosen` ones, which may go beyond the host's bounds where we have CAP_SYS_RESOURCE: the
    process sets them itself at its last moment (`settle`), for some would keep it from getting there. StartError when
    the kernel refuses one.
    """
    numbers = {NUMBERS[limit.name] for limit in chosen}
    for wanted in WANTED:
        if wanted.resource in numbers:
            continue
        present = resource.prlimit(pid, wanted.resource)
        limits = bounded(wanted, present[1])
        # A program that takes core dumps is started whatever the limit is, unless it is 1.
        if wanted.resource == resource.RLIMIT_CORE and present[1] != 0 and core_is_piped():
            limits = (1, 1)
        if limits != present:
            resource.prlimit(pid, wanted.resource, limits)
    for limit in chosen:
        number = NUMBERS[limit.name]
        soft, hard = resource.prlimit(pid, number)
        if _lower(limit.hard, hard) != limit.hard:
            try:
                resource.prlimit(pid, number, (soft, limit.hard))
            except (OSError, ValueError) as error:
                raise _refused(limit, error) from error


def settle(chosen: Sequence[ResourceLimit]) -> None:
    """Sets limits on this process itself, which is about to execute a program; `apply` has made room for them."""
    for limit in chosen:
        try:
            resource.setrlimit(NUMBERS[limit.name], (limit.soft, limit.hard))
        except (OSError, ValueError) as error:
            raise _refused(limit, error) from error


def _refused(limit: ResourceLimit, error: Exception) -> StartError:
    hint = "see fs.nr_open of the host for the most" if limit.name == "nofile" else ""
    return StartError(
        f"cannot set the limit {limit.name} to {limit.soft}:{limit.hard}: {error}", stage="limits", hint=hint
    )


def _lower(one: int, other: int) -> int:
    if one == INFINITY:
        return other
    return one if other == INFINITY else min(one, other)
