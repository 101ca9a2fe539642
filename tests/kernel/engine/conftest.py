"""Real containers of one busybox layer."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import cgroups
from engine.layout import Layout
from tests.busybox import plant_busybox
from tests.kernel.engine.boxes import Boxes
from tests.leaks import Territory


@pytest.fixture(scope="session")
def busybox_layer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A layer with busybox, a root whose group file knows more, and a user with a home."""
    layer = tmp_path_factory.mktemp("layer") / "tree"
    layer.mkdir()
    plant_busybox(layer)
    (layer / "etc" / "passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1001:Bob:/home/bob:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
    )
    (layer / "etc" / "group").write_text("root:x:0:\nbob:x:1001:\nwheel:x:10:bob\ngames:x:60:bob,root\n")
    (layer / "etc" / "hosts").write_text("the image's hosts\n")
    yield layer
    shutil.rmtree(layer)


@pytest.fixture
def boxes(roots: Layout, busybox_layer: Path, territory: Territory) -> Iterator[Boxes]:
    """Containers for one test."""
    label = f"test-{os.urandom(4).hex()}"
    territory.labels.add(label)
    made = Boxes(roots=roots, layer=busybox_layer, group=cgroups.Cgroups(label))
    yield made
    made.clear()


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A directory of the host's, with a file of root's."""
    directory = tmp_path / "host"
    directory.mkdir()
    (directory / "file").write_text("from the host\n")
    return directory
