"""Carries bytes between the user and a program inside a container until the program ends."""

import fcntl
import os
import re
import select
import signal
import struct
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NamedTuple

from engine import namespaces
from engine.terminals import WindowSize, resize

CHUNK_BYTES = 1 << 16
DRAIN_ROUNDS = 64  # of 64 KiB, for what a program that has ended left in its pipe or terminal
UNKNOWN = 125
WAIT_ALL = 0x40000000  # linux/wait.h: __WALL, children of clone(2) whatever signal they end with


class Stream(NamedTuple):
    """Bytes go from one descriptor to another; with `close_target`, that one is closed when the source ends.

    With `let_go`, the source is a pipe that loses its reader when nobody takes the bytes any more.
    """

    source: int
    target: int
    close_target: bool = False
    let_go: bool = False


def window_size(fd: int) -> WindowSize:
    """The size of the user's terminal."""
    rows, columns, _, _ = struct.unpack("=4H", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))
    return WindowSize(rows or 24, columns or 80)


@contextmanager
def raw_terminal(fd: int) -> Iterator[None]:
    """Passes every key on to the program for a block, then leaves the terminal as it was."""
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def converse_on_terminal(terminal: int, pidfd: int, *, stdin: int, stdout: int) -> int:
    """Joins the user's terminal and the program's until the program ends; returns its exit status."""
    with raw_terminal(stdin), _signals({signal.SIGWINCH: lambda: resize(terminal, window_size(stdin))}):
        return _carry([Stream(stdin, terminal)], [Stream(terminal, stdout)], pidfd)


def converse_by_pipes(streams_in: list[Stream], streams_out: list[Stream], pidfd: int) -> int:
    """Carries the three streams until the program ends; Ctrl-C and SIGTERM go to the program. Returns its status."""

    def forward(number: signal.Signals) -> Callable[[], None]:
        def send() -> None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, number)

        return send

    forwarded = {number: forward(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with _signals(forwarded):
        return _carry(streams_in, streams_out, pidfd)


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


def _carry(inward: list[Stream], outward: list[Stream], pidfd: int) -> int:
    poll = select.poll()
    streams = {stream.source: stream for stream in (*inward, *outward)}
    for source in streams:
        poll.register(source, select.POLLIN)
    poll.register(pidfd, select.POLLIN)
    while True:
        ready = {fd for fd, _ in poll.poll()}
        for source in ready & streams.keys():
            if not _move(streams[source]):
                poll.unregister(source)
                _end(streams.pop(source))
        if pidfd in ready:
            break
    for stream in outward:
        if stream.source in streams:
            os.set_blocking(stream.source, False)
            for _ in range(DRAIN_ROUNDS):
                if not _move(stream):
                    break
    return exit_status(pidfd)


def _move(stream: Stream) -> bool:
    """Moves a chunk; False when the source has ended or nobody takes what it gives."""
    try:
        chunk = os.read(stream.source, CHUNK_BYTES)
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(stream.target, rest) :]
    except OSError:  # nobody reads, nothing is there now, or (EIO) the other end of a terminal is closed
        return False
    return bool(chunk)


def _end(stream: Stream) -> None:
    if stream.close_target:
        os.close(stream.target)
    if stream.let_go:  # the program must meet a broken pipe, as it would in a pipeline, and not wait for a reader
        nowhere = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        os.dup2(nowhere, stream.source, inheritable=False)  # the number stays taken: its owner closes it
        os.close(nowhere)


@contextmanager
def _signals(actions: dict[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Runs an action at once when its signal comes, for a block; then the signals mean what they meant before."""

    def act(number: int, _frame: FrameType | None) -> None:
        actions[signal.Signals(number)]()

    before = {number: signal.signal(number, act) for number in actions}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
