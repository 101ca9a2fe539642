"""Sets the resource limits that every container's process starts with; see getrlimit(2)."""

import resource
from pathlib import Path
from typing import NamedTuple

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


def core_is_piped() -> bool:
    """Whether the host hands core dumps to a program; see core(5)."""
    return Path("/proc/sys/kernel/core_pattern").read_bytes().startswith(b"|")


def bounded(wanted: Limit, bound: int) -> tuple[int, int]:
    """The (soft, hard) limit that can be set where the present hard limit is `bound`."""
    hard = _lower(wanted.hard, bound)
    return _lower(wanted.soft, hard), hard


def apply(pid: int) -> None:
    """Sets the limits on another process of ours, and so on all that it will make."""
    for wanted in WANTED:
        present = resource.prlimit(pid, wanted.resource)
        limits = bounded(wanted, present[1])
        # A program that takes core dumps is started whatever the limit is, unless it is 1.
        if wanted.resource == resource.RLIMIT_CORE and present[1] != 0 and core_is_piped():
            limits = (1, 1)
        if limits != present:
            resource.prlimit(pid, wanted.resource, limits)


def _lower(one: int, other: int) -> int:
    if one == INFINITY:
        return other
    return one if other == INFINITY else min(one, other)
