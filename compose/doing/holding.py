"""Keeps images from going while a command needs them that no container speaks for yet."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from engine.images.store import ImageStore
from engine.layout import Layout


@contextmanager
def images_held(layout: Layout) -> Iterator[None]:
    """No image goes during the block. After one that has built something, what builds keep is brought to its bound."""
    began_ns = time.time_ns()
    with ImageStore(layout.images, layout.cache).in_use():
        yield
    bound_builds(layout, began_ns)


def bound_builds(layout: Layout, since_ns: int) -> None:
    """Brings what builds keep to its bound, if one has kept something since then, and nobody is at work on images."""
    try:
        changed_ns = (layout.cache / "build" / "steps").stat().st_mtime_ns
    except FileNotFoundError:
        return
    if changed_ns < since_ns:
        return
    from engine.housekeeping.cleaning import bound_builds as bound  # noqa: PLC0415 - few commands build

    bound(layout)
