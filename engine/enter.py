"""Runs one more program inside a running container: what `exec` and health probes do.

Two processes take part. A go-between joins the container's namespaces, clones the one that becomes the program as a
child of the caller (a pid namespace takes in only children), hands its descriptor over and ends.
"""

import os
import select
import socket
from pathlib import Path
from typing import NamedTuple, NoReturn

from engine import boundary, executables, handover, outcome, privileges, rlimits, syscalls, targets, terminals, users
from engine.cgroups import Cgroup
from engine.errors import EngineError, StartError
from engine.outcome import read_outcome
from engine.privileges import Privileges
from engine.processes import expect_to_be_killed, kill_and_reap
from engine.spec import ContainerSpec, Process
from engine.syscalls import Clone
from engine.terminals import WindowSize

__all__ = ["Entered", "Entry", "enter", "read_outcome"]

_NAMESPACES = Clone.NEWUSER | Clone.NEWNS | Clone.NEWPID | Clone.NEWNET | Clone.NEWIPC | Clone.NEWUTS | Clone.NEWCGROUP
_GO, _HERE = b"go", b"here"


class Entry(NamedTuple):
    """What to run in which container.

    `first_id` is the container's, 0 when its ids are the host's.
    `container` is a pidfd of the container's first process. The descriptors stay the caller's; with a `window`, the
    program gets a terminal of that size instead of them. `cache` is where compiled filters of system calls are kept.
    """

    process: Process
    container: int
    spec: ContainerSpec
    cgroup: Cgroup
    stdin: int
    stdout: int
    stderr: int
    first_id: int = -1
    window: WindowSize | None = None
    cache: Path | None = None


class Entered(NamedTuple):
    """A program on its way: `outcome_fd` ends silently once it runs; see `read_outcome`.

    `terminal_fd` is the master of the program's terminal, if it was given one.
    """

    pid: int
    pidfd: int
    outcome_fd: int
    terminal_fd: int | None


def enter(entry: Entry) -> Entered:
    """Starts a program inside a container, with the same privileges and limits as the container's own.

    The program is a child of this process, which owns the descriptors and must wait for it soon after its end: as long
    as it is not reaped, the container's first process cannot end either (pid_namespaces(7)).
    """
    allowed = privileges.granted(entry.spec, entry.cache)
    privileges.stop_ignoring_signals()
    control, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    outcome_fd, outcome_writer = os.pipe2(os.O_CLOEXEC)
    pidfd = -1
    try:
        pid, pidfd = entry.cgroup.clone(Clone(0))
        if pid == 0:
            _Visit(entry, allowed, far_end, outcome_writer).go_between()
        far_end.close()
        os.close(outcome_writer)
        outcome_writer = -1
        entry.cgroup.join(pid)
        expect_to_be_killed(pid, entry.spec.oom_score_adjustment)
        rlimits.apply(pid, entry.spec.resource_limits)
        handover.send(control, _GO)
        told, fds = _receive(control)
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    except BaseException as error:
        if pidfd >= 0:
            kill_and_reap(pidfd)
        if outcome_writer >= 0:
            os.close(outcome_writer)
            outcome_writer = -1
        failure = read_outcome(outcome_fd)
        if failure is not None:
            raise failure from error
        if isinstance(error, (OSError, EngineError)) and select.select([entry.container], [], [], 0)[0]:
            message = f"{entry.spec.name} has just ended"
            raise StartError(message, stage="enter", hint="windlass ps -a tells why") from error
        raise
    finally:
        if pidfd >= 0:
            os.close(pidfd)
        control.close()
        far_end.close()
    program, *terminal = fds
    return Entered(int(told), program, outcome_fd, terminal[0] if terminal else None)


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    told, fds = handover.receive(control)
    if not told:
        raise StartError("the way into the container broke off", stage="enter")
    return told, fds


class _Visit:
    """The two processes of one entry, from the first one's birth to the program."""

    def __init__(self, entry: Entry, allowed: Privileges, control: socket.socket, outcome_fd: int) -> None:
        self._entry = entry
        self._allowed = allowed
        self._control = control
        self._outcome_fd = outcome_fd

    def go_between(self) -> NoReturn:
        """Joins the container, makes the second process, hands it over and ends."""
        stage = "boundary"
        try:
            entry = self._entry
            boundary.seal((self._control.fileno(), self._outcome_fd, entry.container, *self._streams()))
            told, _ = handover.receive(self._control)
            if not told:  # the one outside has died or given up
                os._exit(125)
            stage = "namespaces"
            own_users = entry.first_id != 0
            syscalls.setns(entry.container, _NAMESPACES if own_users else _NAMESPACES & ~Clone.NEWUSER)
            privileges.become_root()
            root_fd = os.open("/", os.O_PATH | os.O_DIRECTORY)
            stage = "terminal"
            ends = () if entry.window is None else terminals.open_terminal(root_fd, entry.window)
            stage = "clone"
            pid, pidfd = syscalls.clone3(Clone.PARENT, exit_signal=0)
            if pid == 0:
                self._become_program(root_fd, ends[1] if ends else None)
            handover.send(self._control, str(pid).encode(), (pidfd, *ends[:1]))
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 -- there is nobody above to see it
            outcome.fail(self._outcome_fd, stage, error)

    def _become_program(self, root_fd: int, terminal: int | None) -> NoReturn:
        stage = "user"
        try:
            entry, process = self._entry, self._entry.process
            privileges.become_ordinary()
            user = users.find_user(root_fd, process.user, process.groups)
            stage = "working directory"
            boundary.change_directory(_working_directory(root_fd, process.working_directory))
            stage = "streams"
            if terminal is None:
                boundary.connect_streams(entry.stdin, entry.stdout, entry.stderr)
            else:
                terminals.take(terminal, user.uid)
                boundary.connect_streams(terminal, terminal, terminal)
            stage = "privileges"
            privileges.drop(self._allowed, user)
            stage = "program"
            boundary.close_all_but(self._outcome_fd)
            given = {**({"TERM": "xterm"} if terminal is not None else {}), **process.environment}
            environment = executables.environment(given, entry.spec.hostname, user.home)
            path = executables.find(process.argv[0] if process.argv else "", environment["PATH"])
            if entry.first_id == 0:
                executables.require_own(path)
            rlimits.settle(entry.spec.resource_limits)
            executables.execute(path, process.argv, environment)
        except BaseException as error:  # noqa: BLE001 -- there is nobody above to see it
            outcome.fail(self._outcome_fd, stage, error)

    def _streams(self) -> tuple[int, ...]:
        entry = self._entry
        return () if entry.window is not None else (entry.stdin, entry.stdout, entry.stderr)


def _working_directory(root_fd: int, path: str) -> int:
    found = targets.find(root_fd, path, os.O_PATH | os.O_DIRECTORY)
    if found is None:
        raise StartError(
            f"the container has no directory {path}",
            stage="working directory",
            exit_code=126,
            hint="choose another working directory",
        )
    return found
