"""A mount whose file system answers no more: its container hangs alone, others stop; once it is let go, all goes."""

from collections.abc import Callable
from pathlib import Path

from tests.stacks.hanging import hanging_directory
from tests.stacks.outside import eventually
from tests.stacks.product import Windlass

FILE = """
services:
  stuck:
    image: localhost/bb:1
    command: [sh, -c, "ls /share; sleep 1000"]
    volumes: ["${SHARE}:/share:ro"]
  other:
    image: localhost/bb:1
    command: [sleep, "1000"]
    stop_signal: SIGKILL
"""


def test_whoever_hangs_keeps_nobody_else_from_stopping(project: Callable[..., Windlass], tmp_path: Path) -> None:
    share = tmp_path / "share"
    with hanging_directory(share) as hangs:
        boat = project(FILE, SHARE=str(share))
        boat("up", "-d", seconds=20)
        assert hangs.wait(10)
        assert {name: row["State"] for name, row in boat.ps().items()} == {
            "boat-other-1": "running",
            "boat-stuck-1": "running",
        }
        boat("stop", "-t", "1", "other", seconds=10)
        eventually(lambda: boat.ps()["boat-other-1"]["State"] == "exited", "the end of the other", seconds=5)
    boat("down", "-t", "1")
    assert boat.ps() == {}
