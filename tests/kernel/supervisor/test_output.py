"""What containers print is logged once and in order, whatever becomes of supervisors."""

import random

import pytest

from engine.logreader import read_runs
from engine.protocol import Stop
from engine.spec import LogOptions
from tests.kernel.supervisor.conftest import Driver

pytestmark = pytest.mark.root

COUNTING = "trap 'exit 0' TERM; n=0; while :; do echo $n; echo $n >&2; n=$((n+1)); done"


def printed(driver: Driver, container: str, stream: str) -> bytes:
    return b"".join(run.text for run in read_runs(driver.stack.data(container)) if run.stream == stream)


@pytest.mark.parametrize("rotate_bytes", [10 << 20, 100_000])
def test_supervisors_killed_while_they_log_a_flood_lose_no_line_and_double_none(
    driver: Driver, rotate_bytes: int
) -> None:
    kept = LogOptions(max_bytes=rotate_bytes, max_files=200)
    containers = [driver.start(name, COUNTING, log=kept) for name in ("web", "api")]
    flood = driver.start("flood", "seq 1000000", log=kept)
    chance = random.Random(rotate_bytes)  # noqa: S311 - no secrets
    for _ in range(8):
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
    assert printed(driver, flood, "stdout") == b"".join(b"%d\n" % number for number in range(1, 1_000_001))
