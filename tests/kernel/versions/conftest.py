"""Images whose layers a test writes down."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.images.model import Image, ImageConfig
from engine.images.store import ImageStore
from engine.layout import Layout

pytestmark = pytest.mark.root
Fill = Callable[[Path], object]


class Shelf:
    """A store, and images made in it."""

    def __init__(self, layout: Layout) -> None:
        self.store = ImageStore(layout.images, layout.cache)

    def layer(self, fill: Fill) -> str:
        with self.store.workspace() as aside:
            tree = aside / "made"
            tree.mkdir(mode=0o755)
            fill(tree)
            for path in tree.rglob("*"):
                os.utime(path, (1, 1), follow_symlinks=False)
            return self.store.add_layer(tree)

    def image(self, *fills: Fill | str) -> Image:
        layers = tuple(fill if isinstance(fill, str) else self.layer(fill) for fill in fills)
        return self.store.add_image(ImageConfig(), layers, created_ns=1, architecture="amd64")


@pytest.fixture
def shelf(roots: Layout) -> Shelf:
    return Shelf(roots)
