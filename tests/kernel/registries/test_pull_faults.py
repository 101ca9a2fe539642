"""Pulls that are killed, that meet, that run out of disk: nothing half is ever visible, and the next one goes on."""

import gzip
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import ImageError
from tests.kernel.registries.conftest import Puller
from tests.registry import Asked, FakeRegistry, Made, Reply, archive, digest_of, file, made_image, ranged

FIRST = archive(file("first", bytes(range(256)) * 4096))
SECOND = archive(file("second", bytes(reversed(range(256))) * 4096))
PULL = """
import sys
from pathlib import Path
from engine.images.store import ImageStore
from engine.registries.pulling import pull
from engine.registries.terms import Way
root = Path(sys.argv[1])
pull(ImageStore(root / "images", root / "cache"), sys.argv[2], Way(), lambda _news: None)
"""


def stored(content: bytes) -> bytes:
    return gzip.compress(content, 0)


@pytest.fixture
def made() -> Made:
    return made_image(FIRST, SECOND, pack=stored)


def started(puller: Puller, name: str, *before: str) -> subprocess.Popen[bytes]:
    """A pull in a process of its own."""
    argv = [*before, sys.executable, "-c", PULL, str(puller.store.root.parent), name]
    return subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": str(Path.cwd())})


def blobs_asked(registry: FakeRegistry) -> list[str]:
    return [asked.path.rpartition("/")[2] for asked in registry.asked if "/blobs/" in asked.path]


def test_pulls_that_meet_fetch_each_layer_once(puller: Puller, registry: FakeRegistry, made: Made) -> None:
    name = registry.add("a/b:1", made)
    both = threading.Barrier(2)

    def meet(asked: Asked) -> Reply | None:
        if "/manifests/" in asked.path:
            both.wait(10)
        return None

    registry.odd = meet
    processes = [started(puller, name) for _ in range(2)]
    assert [process.wait(30) for process in processes] == [0, 0]
    asked = blobs_asked(registry)
    assert sorted(blob for blob in asked if blob in made.layers) == sorted(made.layers)
    assert puller.store.find(name) is not None


@pytest.mark.parametrize("request_number", range(1, 5))
def test_a_pull_that_is_killed_at_a_request_is_gone_on_with(
    puller: Puller, registry: FakeRegistry, made: Made, request_number: int
) -> None:
    name = registry.add("a/b:1", made)
    ready = threading.Event()
    process: list[subprocess.Popen[bytes]] = []
    lock = threading.Lock()
    count = iter(range(1, 100))

    def kill(asked: Asked) -> Reply | None:
        with lock:
            number = next(count)
        if number == request_number:
            ready.wait(10)
            process[0].kill()
            process[0].wait(10)
        if made.layers[0] in asked.path:
            return ranged(made.blobs[made.layers[0]], asked)
        return None

    registry.odd = kill
    process.append(started(puller, name))
    ready.set()
    assert process[0].wait(30) == -signal.SIGKILL
    check_that_it_goes_on(puller, registry, name, made)


def check_that_it_goes_on(puller: Puller, registry: FakeRegistry, name: str, made: Made, *, fresh: bool = True) -> None:
    """Nothing is visible but whole layers, and a pull makes the image; afterwards nothing is left aside."""
    registry.odd = lambda _asked: None
    assert not fresh or puller.store.list() == ()
    for layer in (digest_of(FIRST), digest_of(SECOND)):
        facts = puller.store.layer_facts(layer)
        if facts is not None:
            assert [path.stat().st_size for path in puller.store.layer_directory(layer).iterdir()] == [1 << 20]
    image = puller(name)
    assert image.layers == (digest_of(FIRST), digest_of(SECOND))
    assert (puller.store.layer_directories(image)[1] / "second").read_bytes() == bytes(reversed(range(256))) * 4096
    assert [path.name for path in (puller.store.root / "tmp").iterdir()] == [".lock"]
    assert list((puller.store.cache / "downloads").iterdir()) == []
    assert made.layers


@pytest.mark.parametrize("call", ["rename", "fsync", "unlink"])
def test_a_pull_that_is_killed_at_a_change_is_gone_on_with(
    puller: Puller, registry: FakeRegistry, made: Made, call: str
) -> None:
    """It, or its unpacker, dies at its first such call, then the next at its second, until one gets through."""
    strace = shutil.which("strace")
    assert strace, "install the package strace"
    name = registry.add("a/b:1", made)
    endings = []
    for number in range(1, 20):
        injected = ("-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}")
        endings.append(started(puller, name, strace, "-f", "-qq", "-o", "/dev/null", *injected).wait(60))
        if endings[-1] == 0:
            break
        if puller.store.list():  # the last name is given before the last step
            assert puller.store.find(name)
    assert set(endings[:-1]) <= {-signal.SIGKILL, 1}
    assert endings[0] != 0
    assert endings[-1] == 0
    check_that_it_goes_on(puller, registry, name, made, fresh=False)


@pytest.fixture
def small_disk(puller: Puller) -> Iterator[Callable[[str], None]]:
    """The store's roots on a disk of 3 MiB; it can be made bigger."""
    root = puller.store.root.parent
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", root], check=True)
    try:
        yield lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", root], check=True) and None
    finally:
        subprocess.run(["umount", root], check=True)


def test_a_full_disk_is_told_and_nothing_arrives_twice(
    puller: Puller, registry: FakeRegistry, small_disk: Callable[[str], None]
) -> None:
    made = made_image(FIRST, SECOND, archive(file("third", bytes(3 << 20))), pack=stored)
    name = registry.add("a/b:1", made)
    with pytest.raises(ImageError, match=r"there is no space for|almost full|No space left"):
        puller(name)
    assert not puller.store.list()
    assert [path.name for path in (puller.store.root / "tmp").iterdir()] == [".lock"]
    small_disk("64m")
    image = puller(name)
    assert len(image.layers) == 3
    whole = [blob for blob in made.layers if blobs_asked(registry).count(blob) > 1]
    begins = [asked.headers.get("range") for asked in registry.asked if asked.path.rpartition("/")[2] in whole]
    assert len([begin for begin in begins if begin is None]) == len(whole)


def test_a_disk_without_space_for_a_layer_is_told_before_it_comes(
    puller: Puller, registry: FakeRegistry, small_disk: Callable[[str], None]
) -> None:
    made = made_image(archive(file("big", bytes(5 << 20))), pack=stored)
    with pytest.raises(ImageError, match=r"there is no space for sha256:[0-9a-f]*: 5,2.* bytes are to come, "):
        puller(registry.add("a/b:1", made))
    assert made.layers[0] not in blobs_asked(registry)
    assert small_disk
