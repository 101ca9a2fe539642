"""What a container's limits do to it."""

import os
from pathlib import Path

import pytest

from engine.cgroups import Cgroups, Hierarchies, find_hierarchies
from engine.errors import EngineError
from engine.spec import Limits
from tests.kernel.engine.boxes import Box, Boxes

pytestmark = pytest.mark.root


def _value(box: Box, controller: str, *names: str) -> str | None:
    for name in names:
        try:
            return (Path(box.cgroup.directory_of(controller)) / name).read_text().strip()
        except FileNotFoundError:
            continue
    return None


def test_who_takes_too_much_memory_is_killed_and_counted(boxes: Boxes) -> None:
    box = boxes.start("sh", "-c", "a=x; while true; do a=$a$a; done", limits=Limits(memory_bytes=24 << 20))
    assert box.wait().code == -9
    assert box.cgroup.oom_kills() == 1
    assert _value(box, "memory", "memory.max", "memory.limit_in_bytes") == str(24 << 20)


def test_a_fork_bomb_ends_at_its_bound(boxes: Boxes) -> None:
    said = boxes.sh("i=0; while [ $i -lt 20 ]; do sleep 100 & i=$((i+1)); done; echo all", limits=Limits(pids=10))
    assert "can't fork" in said.output
    assert "all" not in said.output


def test_processes_are_bounded_by_default(boxes: Boxes) -> None:
    box = boxes.start("true")
    assert 4096 <= int(_value(box, "pids", "pids.max") or 0) <= 8192


def test_a_share_of_the_processors_is_a_quota(boxes: Boxes) -> None:
    box = boxes.start("true", limits=Limits(cpus=0.5))
    assert _value(box, "cpu", "cpu.max", "cpu.cfs_quota_us") in {"50000 100000", "50000"}


def test_everything_inside_is_killed_at_once(boxes: Boxes) -> None:
    box = boxes.start("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; echo up; wait")
    box.cgroup.kill()
    assert box.wait().code == -9
    box.cgroup.remove()
    box.cgroup.remove()


def test_a_host_without_the_controller_says_so(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("")
    group = Cgroups("none", Hierarchies(tmp_path, {}))
    with pytest.raises(EngineError, match="cannot limit memory: this host has no such cgroup controller"):
        group.make("0" * 64, Limits(memory_bytes=1 << 20))


@pytest.mark.parametrize("version", [1, 2])
def test_hosts_with_one_version_alone_will_do(boxes: Boxes, version: int) -> None:
    found = find_hierarchies(Path("/proc/self/mountinfo").read_text())
    alone = Hierarchies(found.unified, {}) if version == 2 else Hierarchies(None, found.by_controller)
    if not any(alone):
        pytest.skip(f"this host has no cgroup v{version}")
    boxes.group = Cgroups(boxes.group.label, alone)
    box = boxes.start("sh", "-c", "sleep 1000 & cut -d: -f3 /proc/self/cgroup | sort -u; sleep 1000")
    assert os.read(box.output, 100) == b"/\n"
    box.cgroup.kill()
    assert box.wait().code == -9
    box.cgroup.remove()
    assert not [directory for directory in box.cgroup.directories if Path(directory).exists()]


def test_a_stack_that_was_half_made_is_completed(boxes: Boxes) -> None:
    """Killed between making a directory and handing controllers down to it, the next one goes on from there."""
    found = find_hierarchies(Path("/proc/self/mountinfo").read_text())
    for root in {found.unified, *found.by_controller.values()} - {None}:
        (root / "windlass" / boxes.group.label).mkdir(parents=True)
    assert boxes.sh("echo fine", limits=Limits(memory_bytes=64 << 20, cpus=1)).output == "fine\n"
