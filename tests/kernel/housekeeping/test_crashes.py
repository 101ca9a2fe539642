"""kill -9 in the middle of taking images in and removing them, and several at once."""

import os
import random
import select
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.archives.loading import load
from engine.dockerfiles.cache import BuildCache
from engine.dockerfiles.steps import StepInputs, StepRecord
from engine.errors import ImageError
from engine.housekeeping import buildcache
from engine.housekeeping.cleaning import Limits, bound_builds, prune, prune_builds, remove_image
from engine.images.store import ImageStore
from engine.layout import Layout
from tests.kernel.archives.conftest import docker_archive, tar

ROUNDS = 12
FILES = {f"file-{number}": bytes([number]) * 2000 for number in range(60)}


@pytest.fixture
def archives(tmp_path: Path) -> list[Path]:
    """Two images that share a layer."""
    shared = tar(FILES)
    made = []
    for name in ("one:1", "two:1"):
        path = tmp_path / name
        path.write_bytes(tar(docker_archive(shared, tar({**FILES, name: b"own"}), names=(name,))))
        made.append(path)
    return made


def take_in(store: ImageStore, path: Path) -> None:
    with path.open("rb") as file:
        load(store, file.fileno(), lambda _layer: None)


@contextmanager
def process(work: Callable[[], None]) -> Iterator[int]:
    """A process that works while the block runs, by its pidfd; it is killed with the block if it has not ended."""
    pid = os.fork()
    if not pid:
        try:
            work()
        except BaseException:  # noqa: BLE001 -- told by its status
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    pidfd = os.pidfd_open(pid)
    try:
        yield pidfd
    finally:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED)
        os.close(pidfd)


def ended_well(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(60_000)
    found = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT)
    return found is not None and found.si_status == 0


def assert_whole(store: ImageStore) -> None:
    """Every image that can be seen has every file."""
    catalogue = store.catalogue()
    assert None not in catalogue.images.values()
    for _, image in store.list():
        for directory in store.layer_directories(image):
            for name, content in FILES.items():
                assert (directory / name).read_bytes() == content


def test_a_crash_at_any_moment_leaves_no_half_image_and_the_next_prune_tidies_up(
    roots: Layout, archives: list[Path]
) -> None:
    store = ImageStore(roots.images, roots.cache)
    moments = random.Random(5)  # noqa: S311 -- no secret

    def work() -> None:
        while True:
            for path in archives:
                take_in(store, path)
            remove_image(roots, "one:1", force=True)
            prune(roots, named=True)

    for _ in range(ROUNDS):
        with process(work) as pidfd:
            assert not select.select([pidfd], [], [], moments.uniform(0.01, 0.25))[0]
        assert_whole(store)
    take_in(store, archives[0])
    assert_whole(store)
    assert store.find("one:1") is not None
    prune(roots, named=True)
    catalogue = store.catalogue()
    assert (catalogue.names, catalogue.images, catalogue.layers) == ({}, {}, {})
    assert list((store.root / "tmp").glob("[!.]*")) == []
    assert list((store.root / "images").glob(".*")) == []
    assert list((store.root / "references").glob(".*")) == []


def test_images_that_are_taken_in_are_not_pruned_before_they_have_a_name(roots: Layout, archives: list[Path]) -> None:
    store = ImageStore(roots.images, roots.cache)

    def come_and_go() -> None:
        for _ in range(8):
            for path in archives:
                take_in(store, path)
                assert store.find(path.name) is not None
            for path in archives:
                remove_image(roots, path.name)

    def clean() -> None:
        for _ in range(25):
            prune(roots)

    with process(come_and_go) as first, process(clean) as second:
        assert ended_well(first)
        assert ended_well(second)
    assert store.list() == ()


def test_what_builds_keep_is_brought_to_its_bound_unless_images_are_in_use(roots: Layout, archives: list[Path]) -> None:
    store = ImageStore(roots.images, roots.cache)
    take_in(store, archives[0])
    image = store.find("one:1")
    assert image is not None
    cache = BuildCache(store)
    for number, layer in enumerate(image.layers):
        inputs = StepInputs(kind="run", command=(str(number),), layers=())
        cache.keep(inputs, StepRecord(layer=layer, created_ns=1))
    remove_image(roots, "one:1")
    assert set(store.catalogue().layers) == set(image.layers), "what builds have kept outlives its image"

    limits = Limits(largest_bytes=max(sum(map(len, FILES.values())) + 10, 1))
    with store.in_use():
        assert bound_builds(roots) == 0
    assert prune_builds(roots, limits)[0] == 1
    assert len(store.catalogue().layers) == 1
    assert len(buildcache.kept_steps(store.cache)) == 1
    assert prune_builds(roots, Limits(largest_bytes=0))[0] == 1
    assert store.catalogue().layers == {}
    with pytest.raises(ImageError, match="is not here"):
        remove_image(roots, "one:1")
