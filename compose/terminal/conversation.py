"""Carries bytes between the user and a program inside a container until the program ends."""

import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType

from compose.terminal.keyboard import Detached, raw_terminal, window_size
from compose.terminal.streaming import Flow, Stream, carry, drain
from engine import namespaces
from engine.terminals import resize

UNKNOWN = 125
WAIT_ALL = 0x40000000  # linux/wait.h: __WALL, children of clone(2) whatever signal they end with
PROXIED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
LEFT = 0


def converse_on_terminal(
    terminal: int, pidfd: int, *, stdin: Stream, stdout: int, on_detach: Callable[[], None]
) -> int:
    """Joins the user's terminal and the program's until the program ends; returns its exit status.

    That is 0 when the user detaches: then the program goes on, and `on_detach` sees to it that its terminal stays.
    """

    def follow_size() -> None:
        resize(terminal, window_size(stdin.source))

    with raw_terminal(stdin.source), catching({signal.SIGWINCH: follow_size}):
        follow_size()  # it may have changed while the program was being started
        try:
            return _until_end([stdin._replace(target=terminal)], [Stream(terminal, stdout)], pidfd)
        except Detached:
            on_detach()
            return LEFT


def converse_by_pipes(streams_in: list[Stream], streams_out: list[Stream], pidfd: int) -> int:
    """Carries the three streams until the program ends; Ctrl-C and SIGTERM go to the program. Returns its status."""

    def forward(number: signal.Signals) -> Callable[[], None]:
        def send() -> None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, number)

        return send

    with catching({number: forward(number) for number in PROXIED}):
        return _until_end(streams_in, streams_out, pidfd)


def leave_reaping_to_the_kernel() -> None:
    """From now on a child that has ended is gone at once, even while somebody has stopped us.

    As long as one that entered a container is not reaped, the container cannot end. Kernels before 6.15 do not tell the
    status of what they have reaped themselves.
    """
    major, minor = (int(number) for number in re.findall(r"\d+", os.uname().release)[:2])
    if (major, minor) >= (6, 15):
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def exit_status(pidfd: int) -> int:
    """Waits for a child and returns its status as a shell tells it: 128 and the signal's number if killed."""
    try:
        ended = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | WAIT_ALL)
    except ChildProcessError:
        status = namespaces.exit_status(pidfd)  # the kernel has reaped it
        code = UNKNOWN if status is None else os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code
    if ended is None:
        raise AssertionError("waitid without WNOHANG returns a child")
    return ended.si_status if ended.si_code == os.CLD_EXITED else 128 + ended.si_status


@contextmanager
def catching(actions: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Runs an action at once when its signal comes, for a block; then the signals mean what they meant before."""

    def act(number: int, _frame: FrameType | None) -> None:
        actions[signal.Signals(number)]()

    before = {number: signal.signal(number, act) for number in actions}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _until_end(inward: list[Stream], outward: list[Stream], pidfd: int) -> int:
    """Carries until the program has ended, then what it left behind; a descendant that goes on is not waited for."""
    left = carry(map(Flow, (*inward, *outward)), {pidfd: lambda: True})
    drain([flow for flow in left if flow.stream in outward])
    return exit_status(pidfd)
