"""Makes a container's first process in namespaces of other containers.

A go-between joins them, clones the process as a child of the caller (a pid namespace takes in only children), hands its
descriptor over and ends. The container lives in the user namespace of the one whose processes or memory it shares: else
it could neither signal the former nor write to the latter.
"""

import os
import socket
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from engine import boundary, contained, handover, outcome, privileges, syscalls
from engine.cgroups import Cgroup
from engine.contained import Contained
from engine.errors import StartError
from engine.processes import kill_and_reap
from engine.syscalls import Clone, Resolve

_STRICT = Resolve.IN_ROOT | Resolve.NO_SYMLINKS | Resolve.NO_MAGICLINKS
_GO = b"go"


class Join(NamedTuple):
    """A namespace to join, that of the process behind a pidfd, which stays the caller's. The user namespace is last."""

    pidfd: int
    kind: Clone


def clone_inside(cgroup: Cgroup, joins: Sequence[Join], own: Clone, wanted: Contained) -> tuple[int, int]:
    """Makes the process, with `own` new namespaces; returns its pid and a pidfd. It is a child of the caller."""
    control, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    go_between = -1
    try:
        pid, go_between = cgroup.clone(Clone(0))
        if pid == 0:
            _go_between(joins, own, wanted, far_end)
        far_end.close()
        cgroup.join(pid)
        handover.send(control, _GO)
        told, fds = handover.receive(control)
        if not told:
            raise StartError("the way into the other container's namespaces broke off", stage="namespaces")
        return int(told), fds[0]
    finally:
        if go_between >= 0:
            kill_and_reap(go_between)
            os.close(go_between)
        control.close()
        far_end.close()


def _go_between(joins: Sequence[Join], own: Clone, wanted: Contained, control: socket.socket) -> NoReturn:
    try:
        streams = (wanted.stdin, wanted.stdout, wanted.stderr)
        boundary.seal(
            (
                control.fileno(),
                wanted.control.fileno(),
                wanted.outcome_fd,
                *(join.pidfd for join in joins),
                *(fd for fd in streams if fd is not None),
            )
        )
        told, _ = handover.receive(control)
        if not told:  # the one outside has died or given up
            os._exit(125)
        for join in joins:
            if join.kind == Clone.NEWIPC:
                wanted = wanted._replace(shared_memory=_shared_memory(join.pidfd))
            syscalls.setns(join.pidfd, join.kind)
        if joins[-1].kind == Clone.NEWUSER:
            privileges.become_root()
        pid, pidfd = syscalls.clone3(own | Clone.PARENT, exit_signal=0)
        if pid == 0:
            contained.become_container(wanted)
        handover.send(control, str(pid).encode(), (pidfd,))
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 -- there is nobody above to see it
        outcome.fail(wanted.outcome_fd, "namespaces", error)


def _shared_memory(pidfd: int) -> int:
    """Returns a detached copy of the other container's /dev/shm."""
    home = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    syscalls.setns(pidfd, Clone.NEWNS)
    root_fd = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    place = syscalls.openat2(root_fd, "dev/shm", os.O_PATH | os.O_DIRECTORY, _STRICT)
    tree = syscalls.open_tree(place, "")
    syscalls.setns(home, Clone.NEWNS)
    for fd in (place, root_fd, home):
        os.close(fd)
    return tree
