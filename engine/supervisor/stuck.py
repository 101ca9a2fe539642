"""Notices that SIGKILL does not end a container, which happens where the kernel waits for a file system or a device."""

import os
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from engine.processes import has_ended
from engine.protocol import Failure
from engine.supervisor.containers import Container
from engine.supervisor.site import Site

VARIABLE = "WINDLASS_KILL_SECONDS"
_SECONDS = 5.0
_PROC = Path("/proc")
_MOST_THREADS = 4096
_ANSWERED_ELSEWHERE = ("fuse", "nfs", "cifs", "smb", "9p", "ceph", "afs", "virtiofs")
_HELD_BACK = "D"
_STATES = {_HELD_BACK: "uninterruptible sleep", "T": "stopped", "t": "traced", "Z": "ended, its parent has not noticed"}


class Thread(NamedTuple):
    """A thread of a container: process, name, state as in proc_pid_stat(5), where in the kernel it waits."""

    pid: int
    name: str
    state: str
    place: str


def expect_end(site: Site, container: Container) -> None:
    """Called when SIGKILL was sent: whoever waits for the container's end is told, after some seconds, why it has none.

    It is waited for all the same, and let go of as any other once it comes.
    """
    if container.cancel_expectation is None:
        container.cancel_expectation = site.loop.call_later(_seconds(), partial(_give_up, site, container))


def failure(container: Container) -> Failure:
    """What to answer to whoever wants a container ended, or started again, that SIGKILL has not ended."""
    return Failure(
        message=f"container {container.spec.name} does not end: {container.state.unkillable}",
        hint="mend or unmount (umount -f) the file system or device that it waits for, then run the command again",
    )


def _give_up(site: Site, container: Container) -> None:
    container.cancel_expectation = None
    if not container.running or has_ended(container.pidfd):  # then the loop is about to learn it
        return
    if container.probing is not None:
        container.probing.stop()
        container.probing = None
    container.change(unkillable=_describe(site, container))
    site.save(container)
    container.answer(container.started, failure(container))
    container.answer(container.stopped, failure(container))


def _describe(site: Site, container: Container) -> str:
    """Names the thread that keeps a container from ending, and what it may wait for."""
    process = container.state.process
    pids = (
        *((process.pid,) if process else ()),
        *site.cgroups.find(container.spec.id, container.spec.cgroup_parent).pids(),
    )
    threads = list(islice((each for pid in dict.fromkeys(pids) for each in _threads(pid)), _MOST_THREADS))
    if not threads:
        return f"SIGKILL has done nothing for {_seconds():g} s"
    culprit = next((each for each in threads if each.state == _HELD_BACK), threads[0])
    words = (
        f"SIGKILL has done nothing for {_seconds():g} s to process {culprit.pid} ({culprit.name}), which is in state "
    )
    words += culprit.state
    if culprit.state in _STATES:
        words += f" ({_STATES[culprit.state]})"
    if culprit.place:
        words += f" in {culprit.place}"
    mounted = ", ".join(_mounts(culprit.pid))
    return f"{words}; it has mounted {mounted}" if mounted else words


def _threads(pid: int) -> Iterator[Thread]:
    try:
        places = list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return
    for place in places:
        try:
            name, _, rest = (place / "stat").read_text(errors="replace").partition("(")[2].rpartition(") ")
            waits_in = (place / "wchan").read_text()
        except OSError:
            continue
        yield Thread(pid, name, rest[:1], "" if waits_in == "0" else waits_in)


def _mounts(pid: int) -> Iterator[str]:
    """The file systems of a process for which somebody else answers, with their kinds; asks none of them anything."""
    try:
        lines = (_PROC / str(pid) / "mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        before, _, after = line.partition(" - ")
        kind = after.partition(" ")[0]
        if kind.startswith(_ANSWERED_ELSEWHERE) and kind != "fusectl":
            yield f"{before.split()[4]} ({kind})"


def _seconds() -> float:
    try:
        return float(os.environ[VARIABLE])
    except (KeyError, ValueError):
        return _SECONDS
