"""kill -9 at single system calls: a sample of what `make killpoints` walks through from the first call to the last."""

import shutil

import pytest

from tests.soak.killpoints import SCENES, kill_at

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace here")

SAMPLE = (
    ("supervisor/up-anew", "mkdir", 20),
    ("supervisor/up-anew", "sendto", 30),
    ("supervisor/up", "rename", 2),
    ("supervisor/up", "unlinkat", 8),
    ("supervisor/restart", "pwrite64", 2),
    ("supervisor/down", "rmdir", 25),
    ("supervisor/down", "sendto", 24),
    ("command/up-anew", "sendto", 4),
    ("command/restart", "sendto", 3),
    ("command/down", "sendto", 6),
    ("all/up-anew", "move_mount", 9),
)


@pytest.mark.parametrize(("scene", "name", "number"), SAMPLE)
def test_whoever_dies_the_next_up_converges_and_down_leaves_nothing(scene: str, name: str, number: int) -> None:
    reached, found = kill_at({str(each): each for each in SCENES}[scene], name, number)
    assert not found, found
    assert reached
