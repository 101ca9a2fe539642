"""The leak check finds a planted leak of each kind, and only those of its own territory."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.leaks import Territory, footprint, leaked_since

pytestmark = pytest.mark.root


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


@contextmanager
def _process_by_command(territory: Territory) -> Iterator[str]:
    with subprocess.Popen(["tail", "-f", "/dev/null", f"{territory.run}/x"], stderr=subprocess.DEVNULL) as process:
        yield f"process {process.pid}: tail -f /dev/null {territory.run}/x"
        process.kill()


@contextmanager
def _process_by_environment(territory: Territory) -> Iterator[str]:
    environment = {"WINDLASS_RUN_ROOT": str(territory.run)}
    with subprocess.Popen(["/usr/bin/sleep", "1000"], env=environment) as process:
        yield f"process {process.pid}: /usr/bin/sleep 1000"
        process.kill()


@contextmanager
def _process_by_cgroup(territory: Territory) -> Iterator[str]:
    directory = _made_cgroup(territory)
    with subprocess.Popen(["/usr/bin/sleep", "1001"]) as process:
        (directory / "cgroup.procs").write_text(str(process.pid))
        yield f"process {process.pid}: /usr/bin/sleep 1001"
        process.kill()
    directory.rmdir()


def _made_cgroup(territory: Territory) -> Path:
    unified = Path("/sys/fs/cgroup/unified")
    hierarchy = unified if unified.is_dir() else Path("/sys/fs/cgroup")
    directory = hierarchy / "windlass" / _label(territory)
    directory.mkdir(parents=True)
    return directory


@contextmanager
def _mount(territory: Territory) -> Iterator[str]:
    target = territory.run / "pins"
    target.mkdir()
    _run("mount", "-t", "tmpfs", "windlass-test", str(target))
    yield f"mount {target} (tmpfs)"
    _run("umount", str(target))
    target.rmdir()


@contextmanager
def _network_namespace(territory: Territory) -> Iterator[str]:
    name = f"windlass-{_label(territory)}"
    _run("ip", "netns", "add", name)
    yield f"network namespace /run/netns/{name}"
    _run("ip", "netns", "delete", name)


@contextmanager
def _link(territory: Territory) -> Iterator[str]:
    name = _made_link(territory)
    yield f"link {name}"
    _run("ip", "link", "delete", name)


@contextmanager
def _route(territory: Territory) -> Iterator[str]:
    name = _made_link(territory)
    _run("ip", "link", "set", name, "up")
    _run("ip", "route", "add", "198.51.100.0/24", "dev", name)
    yield f"route 198.51.100.0/24 dev {name}"
    _run("ip", "link", "delete", name)


def _made_link(territory: Territory) -> str:
    territory.stacks.add("leaky")
    name = f"wl{_label(territory).rpartition('-')[2]}"
    _run("ip", "link", "add", name, "type", "bridge")
    return name


@contextmanager
def _table(territory: Territory) -> Iterator[str]:
    name = f"windlass-{_label(territory)}"
    _run("nft", "add", "table", "inet", name)
    yield f"nft table {name}"
    _run("nft", "delete", "table", "inet", name)


@contextmanager
def _cgroup(territory: Territory) -> Iterator[str]:
    directory = _made_cgroup(territory)
    yield f"cgroup {directory}"
    directory.rmdir()


@contextmanager
def _fifo(territory: Territory) -> Iterator[str]:
    path = territory.run / "stdout"
    os.mkfifo(path)
    yield f"FIFO {path}"
    path.unlink()


@contextmanager
def _file(territory: Territory) -> Iterator[str]:
    path = territory.data / "id-ranges" / "524288"
    path.parent.mkdir()
    path.touch()
    yield f"file {path}"
    path.unlink()
    path.parent.rmdir()


@contextmanager
def _directory(territory: Territory) -> Iterator[str]:
    path = territory.run / "stacks" / "leaky"
    path.mkdir(parents=True)
    yield f"directory {path}"
    path.rmdir()
    path.parent.rmdir()


def _label(territory: Territory) -> str:
    """The label of a stack named `leaky`, made as the product makes it."""
    from engine.layout import Layout

    return Layout(run=territory.run, data=territory.data).stack("leaky").label


Plant = Callable[[Territory], AbstractContextManager[str]]
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
    with plant(territory) as line:
        assert line in footprint(territory)
    assert leaked_since(before, territory) == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__.strip("_"))
def test_what_belongs_to_somebody_else_is_not_a_leak(plant: Plant, territory: Territory, tmp_path: Path) -> None:
    other = Territory(run=tmp_path / "run", data=tmp_path / "data")
    other.run.mkdir()
    other.data.mkdir()
    with plant(other) as line:
        assert line not in footprint(territory)


def test_images_and_what_can_be_computed_again_may_stay(territory: Territory) -> None:
    for name in ("images", "cache"):
        (territory.data / name).mkdir()
        (territory.data / name / "kept").touch()
    assert footprint(territory) == frozenset()
