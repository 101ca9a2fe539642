import os
from pathlib import Path

import msgspec

from engine.dockerfiles.steps import StepRecord
from engine.housekeeping.buildcache import Kept, forget, kept_directories, kept_steps, spare_directories, within
from engine.housekeeping.occupancy import disk_bytes
from engine.images.model import LayerFacts

LAYERS = {name: LayerFacts(size_bytes=size) for name, size in (("a", 10), ("b", 20), ("c", 30))}


def kept(name: str, layer: str, used_ns: int) -> Kept:
    return Kept(Path(name), layer, used_ns)


NEW, MIDDLE, OLD = kept("new", "a", 30), kept("middle", "b", 20), kept("old", "c", 10)


def test_what_was_of_use_last_stays_up_to_a_size() -> None:
    assert within((NEW, MIDDLE, OLD), LAYERS, (), largest_bytes=60) == (NEW, MIDDLE, OLD)
    assert within((NEW, MIDDLE, OLD), LAYERS, (), largest_bytes=40) == (NEW, MIDDLE)
    assert within((NEW, MIDDLE, OLD), LAYERS, (), largest_bytes=0) == ()


def test_layers_that_images_have_anyway_cost_nothing_and_a_layer_costs_once() -> None:
    again = kept("again", "a", 5)
    assert within((NEW, MIDDLE, OLD, again), LAYERS, ("c",), largest_bytes=10) == (NEW, OLD, again)


def test_what_has_not_been_of_use_since_a_moment_goes_and_so_does_what_has_lost_its_layer() -> None:
    lost, nothing = kept("lost", "gone", 40), kept("nothing", "", 1)
    assert within((lost, NEW, MIDDLE, OLD, nothing), LAYERS, (), used_since_ns=20) == (NEW, MIDDLE, nothing)


def test_directories_of_commands_go_beyond_a_size_or_when_they_have_not_been_of_use(tmp_path: Path) -> None:
    for number, name in enumerate(("old", "middle", "new")):
        home = tmp_path / "build" / "mounts" / name
        (home / "data").mkdir(parents=True)
        (home / "data" / "file").write_bytes(b"x" * 10_000)
        os.utime(home, ns=(number, number))
    found = kept_directories(tmp_path)
    assert [each.path.name for each in found] == ["new", "middle", "old"]
    one = disk_bytes(found[0].path)
    assert one >= 10_000
    assert spare_directories(found, largest_bytes=3 * one, used_since_ns=0) == {}
    assert spare_directories(found, largest_bytes=2 * one, used_since_ns=0) == {found[2].path: one}
    assert spare_directories(found, largest_bytes=3 * one, used_since_ns=2) == {found[1].path: one, found[2].path: one}


def test_the_steps_of_a_cache_are_read_with_the_last_used_first_and_forgotten(tmp_path: Path) -> None:
    steps = tmp_path / "build" / "steps"
    steps.mkdir(parents=True)
    for number, name in enumerate(("one", "two", "broken")):
        content = msgspec.json.encode(StepRecord(layer=name, created_ns=1)) if name != "broken" else b"{"
        (steps / name).write_bytes(content)
        os.utime(steps / name, ns=(number, number))
    (steps / ".unfinished").touch()

    found = kept_steps(tmp_path)
    assert [(each.path.name, each.layer, each.used_ns) for each in found] == [
        ("broken", "", 2),
        ("two", "two", 1),
        ("one", "one", 0),
    ]
    forget(found)
    assert kept_steps(tmp_path) == ()
    assert kept_steps(tmp_path / "nowhere") == ()
