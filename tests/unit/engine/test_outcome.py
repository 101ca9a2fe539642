import os

import pytest

from engine import outcome, syscalls
from engine.errors import StartError, SyscallError
from engine.outcome import read_outcome
from engine.syscalls import Clone


def _told(error: BaseException) -> tuple[StartError | None, int]:
    reading, writing = os.pipe2(os.O_CLOEXEC)
    _, pidfd = syscalls.clone3(Clone(0))
    if pidfd < 0:
        outcome.fail(writing, "mounts", error)
    os.close(writing)
    told = read_outcome(reading)
    ended = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    os.close(pidfd)
    assert ended is not None
    return told, ended.si_status


def test_a_start_error_arrives_whole() -> None:
    error = StartError("cannot start x", stage="program", errno=2, exit_code=127, hint="try y")
    told, status = _told(error)
    assert told is not None
    assert (told.message, told.stage, told.errno, told.exit_code, told.hint) == (
        *("cannot start x", "program", 2, 127, "try y"),
    )
    assert status == 127


@pytest.mark.parametrize(
    ("error", "message", "errno"),
    [
        (SyscallError("mount /x: No", call="mount", errno=22), "mounts: mount /x: No", 22),
        (OSError(13, "Permission denied"), "mounts: [Errno 13] Permission denied", 13),
        (KeyError("x"), "mounts: KeyError('x')", 0),
    ],
)
def test_any_other_error_is_told_with_its_stage(error: BaseException, message: str, errno: int) -> None:
    told, status = _told(error)
    assert told is not None
    assert (told.message, told.stage, told.errno, told.exit_code) == (message, "mounts", errno, 125)
    assert status == 125


def test_silence_is_success() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    assert read_outcome(reading) is None


def test_half_a_report_is_a_failure_too() -> None:
    reading, writing = os.pipe()
    os.write(writing, b'{"message": "half')
    os.close(writing)
    told = read_outcome(reading)
    assert told is not None
    assert told.message == "the container's process broke off in the middle of a report"
