"""What containers print is logged once and in order, whatever becomes of supervisors."""

import os
import random
import re
import select
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from engine.layout import Layout
from engine.logfollow import Follower
from engine.logreader import read, read_runs
from engine.logstore import log_files
from engine.protocol import Event, Stop, Subscribe
from engine.spec import LogOptions, Process
from tests.kernel.supervisor.conftest import Driver

pytestmark = pytest.mark.root

COUNTING = (
    "trap 'exit 0' TERM; n=0; while :; do"
    " for i in 1 2 3 4 5 6 7 8; do echo $n; echo $n >&2; n=$((n+1)); done; usleep 500; done"
)


def printed(driver: Driver, container: str, stream: str) -> bytes:
    return b"".join(run.text for run in read_runs(driver.stack.data(container)) if run.stream == stream)


@pytest.mark.parametrize("rotate_bytes", [10 << 20, 200_000])
def test_supervisors_killed_while_they_log_a_flood_lose_no_line_and_double_none(
    driver: Driver, rotate_bytes: int
) -> None:
    kept = LogOptions(max_bytes=rotate_bytes, max_files=200)
    containers = [driver.start(name, COUNTING, log=kept) for name in ("web", "api")]
    flood = driver.start("flood", "seq 500000", log=kept)
    chance = random.Random(rotate_bytes)  # noqa: S311 - no secrets
    for _ in range(6):
        driver.expect_more(chance.choice(containers))
        driver.kill_supervisor()
        driver.take_over()
    for container in containers:
        driver.ask(Stop(id=container))
        for stream in ("stdout", "stderr"):
            text = printed(driver, container, stream)
            assert text == b"".join(b"%d\n" % number for number in range(text.count(b"\n")))
            assert text.count(b"\n") > 100
    driver.wait(flood)
    assert printed(driver, flood, "stdout") == b"".join(b"%d\n" % number for number in range(1, 500_001))


@pytest.mark.parametrize("flood", ["exec yes", "while :; do seq 1000000; done", "exec cat /dev/zero"])
def test_a_flood_holds_nobody_up_and_keeps_to_its_room(driver: Driver, flood: str) -> None:
    quiet = driver.start("quiet", "", process=Process(argv=("cat",), stdin_open=True))
    kept = LogOptions(max_bytes=1 << 20, max_files=3)
    loud = driver.start("loud", flood, log=kept)
    lines, requests = [], []
    with follower_of(driver, quiet) as follower, stdin_of(driver, quiet) as stdin:
        for number in range(15):
            driver.expect_more(loud)
            began = time.perf_counter()
            os.write(stdin, b"%d\n" % number)
            wait_for_line(follower, b"%d" % number)
            lines.append(time.perf_counter() - began)
            began = time.perf_counter()
            driver.picture()
            requests.append(time.perf_counter() - began)
    assert statistics.median(lines) < 0.05
    assert statistics.median(requests) < 0.05
    began = time.perf_counter()
    driver.ask(Stop(id=loud, grace_seconds=0))
    assert time.perf_counter() - began < 1
    sizes = [path.stat().st_size for path in log_files(driver.stack.data(loud))]
    assert len(sizes) == 3
    assert max(sizes) <= kept.max_bytes


def test_binary_output_comes_back_as_it_was(driver: Driver) -> None:
    every_byte = bytes(range(256)) * 600
    container = driver.start("binary", "", process=Process(argv=("cat",), stdin_open=True))
    with follower_of(driver, container) as follower, stdin_of(driver, container) as stdin:
        os.write(stdin, every_byte + b"\nend\n")
        wait_for_line(follower, b"end")
    assert printed(driver, container, "stdout") == every_byte + b"\nend\n"


@pytest.mark.usefixtures("small_disk")
def test_on_a_full_disk_output_is_dropped_and_counted_and_the_program_goes_on(driver: Driver) -> None:
    directory = driver.stack.roots.containers
    (directory / "ballast").write_bytes(b"x" * (2 << 20))
    driver.client.ask(Subscribe())
    script = "seq 70000; read line; echo $line; exit 3"
    container = driver.start("web", "", process=Process(argv=("sh", "-c", script), stdin_open=True))
    assert dropped(driver) > 0
    (directory / "ballast").unlink()
    with stdin_of(driver, container) as stdin:
        os.write(stdin, b"back\n")
        assert driver.wait(container).exit_code == 3
    state = driver.state(container)
    lines = printed(driver, container, "stdout").splitlines()
    told = printed(driver, container, "stderr").decode()
    counts = re.findall(r"^\[(\d+) bytes of output were dropped: the log could not be written\]$", told, re.MULTILINE)
    assert sum(map(int, counts)) == state.dropped_bytes
    assert lines[-1] == b"back"
    assert lines[:1000] == [b"%d" % number for number in range(1, 1001)]
    everything = sum(len(f"{number}\n") for number in range(1, 70_001)) + len("back\n")
    ended = len(printed(driver, container, "stdout")) + state.dropped_bytes - everything
    assert 0 <= ended <= len(counts), "where output is missing, the line before is ended"


@pytest.fixture
def small_disk(roots: Layout) -> Iterator[None]:
    """Containers have four megabytes of room, logs and all."""
    roots.containers.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "wl-small", roots.containers], check=True)
    yield
    subprocess.run(["umount", roots.containers], check=True)


@contextmanager
def follower_of(driver: Driver, container: str) -> Iterator[Follower]:
    with closing(Follower()) as follower:
        follower.add("it", driver.stack.data(container))
        yield follower


@contextmanager
def stdin_of(driver: Driver, container: str) -> Iterator[int]:
    fd = os.open(driver.stack.container(container) / "stdin", os.O_WRONLY)
    yield fd
    os.close(fd)


def wait_for_line(follower: Follower, text: bytes) -> None:
    while True:
        assert select.select([follower], [], [], 10)[0], f"{text!r} is not logged"
        if any(line.text == text for _name, line in follower.collect()):
            return


def dropped(driver: Driver) -> int:
    """Waits until output is dropped; how many bytes the event says."""
    while True:
        _number, event = driver.client.receive()
        if isinstance(event, Event) and event.action == "drop":
            return int(event.attributes["bytes"])


def test_bursts_to_both_streams_keep_their_order(driver: Driver) -> None:
    script = (
        "n=0; while [ $n -lt 400 ]; do for i in 1 2 3 4; do echo $n; echo $n >&2; n=$((n+1)); done; usleep 3000; done"
    )
    container = driver.start("web", script)
    driver.wait(container)
    lines = [(int(line.text), line.stream) for line in read(driver.stack.data(container))]
    assert sorted(lines) == sorted((number, stream) for number in range(400) for stream in ("stdout", "stderr"))
    moved = sum(line != (place // 2, ("stdout", "stderr")[place % 2]) for place, line in enumerate(lines))
    assert moved < 80, "nine in ten where they belong; with two pipes read in turn, three in four did not"


def test_a_short_program_is_logged_to_its_end(driver: Driver) -> None:
    container = driver.start("job", "set -x; echo a; echo b; cat /none; echo c; seq 3; echo d >&2; echo e")
    driver.wait(container)
    assert printed(driver, container, "stdout") == b"a\nb\nc\n1\n2\n3\ne\n"
    assert printed(driver, container, "stderr").splitlines() == [
        *(b"+ echo a", b"+ echo b", b"+ cat /none", b"cat: can't open '/none': No such file or directory"),
        *(b"+ echo c", b"+ seq 3", b"+ echo d", b"d", b"+ echo e"),
    ]
