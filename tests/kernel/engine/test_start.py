"""What starting leaves behind when it is broken off."""

import os
import select
import signal
from pathlib import Path

import pytest

from engine import syscalls
from engine.errors import StartError
from engine.processes import identify, open_process
from engine.spec import BindMount
from engine.syscalls import Clone
from tests.kernel.engine.boxes import Boxes

pytestmark = pytest.mark.root


def test_who_starts_may_die_before_the_word_to_go_on(boxes: Boxes) -> None:
    """The container's first process ends by itself, and nothing in the host's mount table tells that it was there."""
    reading, writing = os.pipe()

    def connect(pid: int) -> None:
        os.write(writing, str(pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)

    _, starter = syscalls.clone3(Clone(0))
    if starter < 0:
        try:
            boxes.start("sleep", "1000", connect=connect)
        finally:
            os._exit(1)
    os.close(writing)
    pid = int(os.read(reading, 32))
    try:
        orphan = os.pidfd_open(pid)
    except ProcessLookupError:  # gone already, and reaped
        pass
    else:
        select.select([orphan], [], [], 10)
        os.close(orphan)
    os.waitid(os.P_PIDFD, starter, os.WEXITED)
    os.close(starter)
    os.close(reading)
    assert str(boxes.roots.data) not in Path("/proc/self/mountinfo").read_text()


def test_a_network_that_fails_ends_the_start(boxes: Boxes) -> None:
    seen: list[int] = []

    def connect(pid: int) -> None:
        seen.append(pid)
        raise StartError("no network today", stage="network")

    assert boxes.failure("sleep", "1000", connect=connect).message == "no network today"
    assert not Path(f"/proc/{seen[0]}").exists()


def test_the_first_processs_own_reason_goes_first(boxes: Boxes, tmp_path: Path) -> None:
    """It fails while the network is being made; what the caller meets then is only the consequence."""
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "proc").symlink_to("/tmp")

    def connect(pid: int) -> None:
        fd = os.pidfd_open(pid)
        os.waitid(os.P_PIDFD, fd, os.WEXITED | os.WNOWAIT)
        os.close(fd)
        raise ProcessLookupError

    failure = boxes.failure("true", connect=connect, layers=(boxes.layer, layer))
    assert failure.message.startswith("the image's /proc is no directory")


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_descriptor_is_left_over(boxes: Boxes, tmp_path: Path) -> None:
    boxes.start("true")
    before = _descriptors()
    box = boxes.start("true", mounts=(BindMount(source=str(tmp_path), target="/data"),))
    assert _descriptors() == before + 2  # the pidfd and the output of the box
    box.wait()
    boxes.failure("nope")
    boxes.failure("true", mounts=(BindMount(source="/nowhere", target="/data"),))
    assert _descriptors() == before + 4  # a failed program's box is a box


def test_a_process_is_known_by_more_than_its_pid(boxes: Boxes) -> None:
    box = boxes.start("sleep", "1000")
    identity = identify(box.launched.pid)
    pidfd = open_process(identity)
    assert pidfd is not None
    os.close(pidfd)
    stranger = type(identity)(pid=identity.pid, start_ticks=identity.start_ticks + 1, boot_id=identity.boot_id)
    assert open_process(stranger) is None
