"""Whole stacks through the real command line, each in an installation of its own over shared images."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from engine.images.store import ImageStore
from engine.layout import Layout
from tests.busybox import ensure_busybox
from tests.leaks import Territory
from tests.stacks.product import CHECKOUT, Windlass

EXAMPLES = CHECKOUT / "examples" / "stacks"
SHARED = Path(os.environ.get("WINDLASS_TEST_CACHE", CHECKOUT / ".cache"))
"""Images that take long to make are made once for a checkout."""

BUILD_SECONDS = 900
Install = Callable[[Path, str, Mapping[str, str]], Windlass]


@pytest.fixture(scope="session")
def shared_images() -> Path:
    """The image store that all stack tests use, with busybox in it."""
    images = SHARED / "images"
    images.mkdir(mode=0o700, parents=True, exist_ok=True)
    ensure_busybox(ImageStore(images, SHARED / "cache"))
    return images


@pytest.fixture
def roots(roots: Layout, shared_images: Path) -> Iterator[Layout]:
    """An installation of the test's own, with data on the images' file system: a build moves layers over there."""
    data = Path(tempfile.mkdtemp(prefix="data-", dir=SHARED))
    (data / "images").symlink_to(shared_images)
    yield Layout(run=roots.run, data=data)
    shutil.rmtree(data)


@pytest.fixture
def installed(roots: Layout, territory: Territory) -> Iterator[Install]:
    """Makes a `Windlass` for a directory and a stack; whatever is up at the end is taken down."""
    made: list[Windlass] = []

    def make(directory: Path, stack: str, variables: Mapping[str, str]) -> Windlass:
        territory.stacks.add(stack)
        made.append(Windlass(roots, directory, stack, variables))
        return made[-1]

    yield make
    for windlass in made:
        windlass("-p", windlass.stack, "down", "-v", "-t", "1", "--remove-orphans", status=None)


@pytest.fixture
def project(installed: Install, tmp_path: Path) -> Callable[[str], Windlass]:
    """A project directory with the given Compose file; the stack is called `boat`."""

    def make(file: str, **variables: str) -> Windlass:
        directory = tmp_path / "boat"
        directory.mkdir(exist_ok=True)
        (directory / "compose.yaml").write_text(file)
        return installed(directory, "boat", variables)

    return make


@pytest.fixture
def example(installed: Install) -> Callable[..., Windlass]:
    """One of the examples, where it lies, with its images built."""

    def make(name: str, **variables: str) -> Windlass:
        windlass = installed(EXAMPLES / name, name, variables)
        windlass("build", seconds=BUILD_SECONDS)
        return windlass

    return make
