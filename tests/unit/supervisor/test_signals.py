"""Signals as users write them, ends as shells tell them."""

import os
import signal

import pytest

from engine.errors import RequestError
from engine.supervisor.exits import exit_code_of_status, reap
from engine.supervisor.stopping import signal_number


@pytest.mark.parametrize(
    ("name", "number"),
    [("SIGTERM", 15), ("TERM", 15), ("sigusr1", 10), ("9", 9), ("SIGRTMIN+3", 37), ("RTMAX-1", 63), ("SIGRTMIN", 34)],
)
def test_a_signal_has_many_names(name: str, number: int) -> None:
    assert signal_number(name) == number


@pytest.mark.parametrize("name", ["", "0", "65", "SIGNOTHING", "TERM+1", "SIGRTMIN+60", "-9"])
def test_what_is_no_signal_is_named(name: str) -> None:
    with pytest.raises(RequestError, match="there is no signal"):
        signal_number(name)


@pytest.mark.parametrize(("status", "code"), [(0, 0), (3 << 8, 3), (9, 137), (15, 143), (11 | 0x80, 139)])
def test_a_wait_status_is_told_as_a_shell_does(status: int, code: int) -> None:
    assert exit_code_of_status(status) == code


def test_reaping_gives_the_exit_code_once() -> None:
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "kill -KILL $$"], {})
    pidfd = os.pidfd_open(pid)
    os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT)
    assert reap(pidfd) == 128 + signal.SIGKILL
    assert reap(pidfd) is None
    os.close(pidfd)
