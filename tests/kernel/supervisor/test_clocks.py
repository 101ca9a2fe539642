"""The wall clock jumps by ten years between one supervisor and the next: only what people read shows it."""

import os
import sys
from pathlib import Path

import pytest

from engine import syscalls
from engine.client import connect
from engine.protocol import Stop
from engine.spec import HealthProbe, RestartPolicy
from tests.kernel.supervisor.conftest import Driver, wait_for_file

pytestmark = pytest.mark.root

TEN_YEARS = 10 * 365 * 86400


def take_over(driver: Driver, seconds: int) -> None:
    """Starts another supervisor whose clock is off by so much."""
    layout = driver.stack.roots
    program = str(Path(__file__).with_name("skewed.py"))
    ready, readying = os.pipe()
    os.posix_spawn(
        sys.executable,
        [sys.executable, program, str(seconds), "", "--run", str(layout.run), "--data", str(layout.data), "shop"],
        {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        file_actions=[(os.POSIX_SPAWN_DUP2, readying, 1)],
        setsid=True,
    )
    os.close(readying)
    assert os.read(ready, 1000).startswith(b'{"type":"ready"')
    os.close(ready)
    driver.client = connect(driver.stack, spawn=False)


def wait_for_probes(counted: Path, number: int) -> None:
    """Waits until so many probes have left a line."""
    fd = syscalls.inotify_init1(os.O_CLOEXEC)
    try:
        syscalls.inotify_add_watch(fd, counted, 0x2)  # IN_MODIFY
        while len(counted.read_text()) < number:
            os.read(fd, 1 << 16)
    finally:
        os.close(fd)


@pytest.mark.parametrize("seconds", [TEN_YEARS, -TEN_YEARS])
def test_the_start_period_of_a_health_check_is_no_longer_or_shorter(driver: Driver, seconds: int) -> None:
    probe = HealthProbe(
        argv=("sh", "-c", "echo -n . >> /count; exit 1"),
        interval_seconds=0.1,
        start_interval_seconds=0.1,
        start_period_seconds=3600,
        retries=1,
    )
    container = driver.start("web", "exec sleep 1000", health=probe)
    counted = driver.stack.data(container) / "upper" / "count"
    wait_for_file(counted)
    driver.kill_supervisor()
    take_over(driver, seconds)
    wait_for_probes(counted, len(counted.read_text()) + 3)
    assert driver.state(container).health == "starting"


@pytest.mark.parametrize("seconds", [TEN_YEARS, -TEN_YEARS])
def test_backoff_goes_on_where_it_was(driver: Driver, seconds: int) -> None:
    container = driver.start("web", "exec sleep 1000", restart=RestartPolicy(condition="always"))
    before = driver.state(container)
    driver.kill_supervisor()
    take_over(driver, seconds)
    assert driver.state(container).process == before.process
    stopped = driver.ask(Stop(id=container, grace_seconds=0)).state
    assert (stopped.status, stopped.exit_code) == ("exited", 137)
