"""An image store of a test's own, with busybox in it: what is removed from it is missed by no other test."""

from collections.abc import Iterator

from engine.images.store import ImageStore
from engine.layout import Layout
from tests.busybox import ensure_busybox


def own_images(roots: Layout) -> Iterator[Layout]:
    """Replaces the images that all tests share, which `roots` leads to."""
    (roots.data / "images").unlink()
    ensure_busybox(ImageStore(roots.images, roots.cache))
    yield roots
