"""The leak check finds a planted leak of each kind, and only those of its own territory."""

import os
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.layout import Layout
from tests.leaks import Territory, footprint, leaked_since

pytestmark = pytest.mark.root


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def _started(undo: ExitStack, *argv: str, **environment: str) -> int:
    process = undo.enter_context(subprocess.Popen(argv, env=environment or None, stderr=subprocess.DEVNULL))
    undo.callback(process.kill)
    while not Path(f"/proc/{process.pid}/cmdline").read_bytes():  # Popen returns before the kernel has set it
        os.sched_yield()
    return process.pid


def _process_by_command(territory: Territory, undo: ExitStack) -> str:
    pid = _started(undo, "/usr/bin/tail", "-f", "/dev/null", f"{territory.run}/x")
    return f"process {pid}: /usr/bin/tail -f /dev/null {territory.run}/x"


def _process_by_environment(territory: Territory, undo: ExitStack) -> str:
    pid = _started(undo, "/usr/bin/sleep", "1000", WINDLASS_RUN_ROOT=str(territory.run))
    return f"process {pid}: /usr/bin/sleep 1000"


def _process_by_cgroup(territory: Territory, undo: ExitStack) -> str:
    directory = _made_cgroup(territory, undo)
    pid = _started(undo, "/usr/bin/sleep", "1001")
    (directory / "cgroup.procs").write_text(str(pid))
    return f"process {pid}: /usr/bin/sleep 1001"


def _mount(territory: Territory, undo: ExitStack) -> str:
    target = territory.run / "pins"
    target.mkdir()
    undo.callback(target.rmdir)
    _run("mount", "-t", "tmpfs", "windlass-test", str(target))
    undo.callback(_run, "umount", str(target))
    return f"mount {target} (tmpfs)"


def _network_namespace(territory: Territory, undo: ExitStack) -> str:
    name = f"windlass-{_label(territory)}"
    _run("ip", "netns", "add", name)
    undo.callback(_run, "ip", "netns", "delete", name)
    return f"network namespace /run/netns/{name}"


def _link(territory: Territory, undo: ExitStack) -> str:
    return f"link {_made_link(territory, undo)}"


def _route(territory: Territory, undo: ExitStack) -> str:
    name = _made_link(territory, undo)
    _run("ip", "link", "set", name, "up")
    _run("ip", "route", "add", "198.51.100.0/24", "dev", name, "metric", str(os.getpid()))
    return f"route 198.51.100.0/24 dev {name}"


def _table(territory: Territory, undo: ExitStack) -> str:
    name = f"windlass-{_label(territory)}"
    _run("nft", "add", "table", "inet", name)
    undo.callback(_run, "nft", "delete", "table", "inet", name)
    return f"nft table {name}"


def _cgroup(territory: Territory, undo: ExitStack) -> str:
    return f"cgroup {_made_cgroup(territory, undo)}"


def _fifo(territory: Territory, undo: ExitStack) -> str:
    path = territory.run / "stdout"
    os.mkfifo(path)
    undo.callback(path.unlink)
    return f"FIFO {path}"


def _file(territory: Territory, undo: ExitStack) -> str:
    path = territory.data / "id-ranges" / "524288"
    path.parent.mkdir()
    undo.callback(path.parent.rmdir)
    path.touch()
    undo.callback(path.unlink)
    return f"file {path}"


def _directory(territory: Territory, undo: ExitStack) -> str:
    path = territory.run / "stacks" / "leaky"
    path.mkdir(parents=True)
    undo.callback(path.parent.rmdir)
    undo.callback(path.rmdir)
    return f"directory {path}"


def _label(territory: Territory) -> str:
    """The label of a stack named `leaky`, made as the product makes it."""
    return Layout(run=territory.run, data=territory.data).stack("leaky").label


def _made_link(territory: Territory, undo: ExitStack) -> str:
    territory.stacks.add("leaky")
    name = f"windl{_label(territory).rpartition('-')[2]}"
    _run("ip", "link", "add", name, "type", "bridge")
    undo.callback(_run, "ip", "link", "delete", name)
    return name


def _made_cgroup(territory: Territory, undo: ExitStack) -> Path:
    unified = Path("/sys/fs/cgroup/unified")
    hierarchy = unified if unified.is_dir() else Path("/sys/fs/cgroup")
    directory = hierarchy / "windlass" / _label(territory)
    directory.mkdir(parents=True)
    undo.callback(directory.rmdir)
    return directory


Plant = Callable[[Territory, ExitStack], str]
PLANTS: list[Plant] = [
    _process_by_command,
    _process_by_environment,
    _process_by_cgroup,
    _mount,
    _network_namespace,
    _link,
    _route,
    _table,
    _cgroup,
    _fifo,
    _file,
    _directory,
]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__.strip("_"))
def test_a_planted_leak_is_found_until_it_is_gone(plant: Plant, territory: Territory) -> None:
    before = footprint(territory)
    with ExitStack() as undo:
        assert plant(territory, undo) in footprint(territory)
    assert leaked_since(before, territory) == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__.strip("_"))
def test_what_belongs_to_somebody_else_is_not_a_leak(plant: Plant, territory: Territory, tmp_path: Path) -> None:
    other = Territory(run=tmp_path / "run", data=tmp_path / "data")
    other.run.mkdir()
    other.data.mkdir()
    with ExitStack() as undo:
        assert plant(other, undo) not in footprint(territory)


def test_images_and_what_can_be_computed_again_may_stay(territory: Territory) -> None:
    for name in ("images", "cache"):
        (territory.data / name).mkdir()
        (territory.data / name / "kept").touch()
    assert footprint(territory) == frozenset()
