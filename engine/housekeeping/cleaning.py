"""Removes images, and what nobody needs any more, from the store of an installation."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from engine.errors import ImageError
from engine.housekeeping import buildcache
from engine.housekeeping.buildcache import LARGEST_BYTES, Kept
from engine.housekeeping.removal import Needs, one_image, unneeded
from engine.housekeeping.uses import uses
from engine.images.model import Image
from engine.images.places import DIGEST_PREFIX
from engine.images.references import parse_reference
from engine.images.store import Catalogue, Doomed, ImageStore
from engine.images.workspaces import remove_tree
from engine.layout import Layout
from engine.registries.downloads import sweep

OnWait = Callable[[], None]


class Removed(NamedTuple):
    """What has gone, with the bytes that its layers had."""

    doomed: Doomed
    freed_bytes: int


class Limits(NamedTuple):
    """How much builds may keep: so many bytes, of use since then."""

    largest_bytes: int = LARGEST_BYTES
    used_since_ns: int = 0


def remove_image(
    layout: Layout, word: str, *, force: bool = False, keep_files: bool = False, on_wait: OnWait | None = None
) -> Removed:
    """Takes away a name, or an image by its id; with the last name goes what nobody else needs. Raises ImageError."""
    store = ImageStore(layout.images, layout.cache)

    def decide(catalogue: Catalogue) -> Doomed:
        image, name = find(store, catalogue, word)
        if image is None:
            return Doomed(names=(name,))
        needs, _ = _needs(layout, store, catalogue, Limits())
        return one_image(catalogue, needs, image, name, force=force, keep_files=keep_files)

    return Removed(*store.remove(decide, on_wait))


def prune(
    layout: Layout,
    *,
    named: bool = False,
    unwanted: Callable[[Image], bool] = lambda _image: True,
    limits: Limits = Limits(),  # noqa: B008 -- it never changes
    on_wait: OnWait | None = None,
) -> Removed:
    """Removes every image that no container needs and that has no name (`named`: or has one), if it is `unwanted`.

    What builds have kept beyond their limits goes as well, and what interrupted work has left.
    """
    store = ImageStore(layout.images, layout.cache)

    def decide(catalogue: Catalogue) -> Doomed:
        needs, beyond = _needs(layout, store, catalogue, limits)
        buildcache.forget(beyond)
        buildcache.sweep(store.cache)
        return unneeded(catalogue, needs, named=named, unwanted=unwanted)

    removed = Removed(*store.remove(decide, on_wait))
    sweep(store.cache / "downloads", time.time())
    return removed


def prune_builds(
    layout: Layout, limits: Limits, *, everything: bool = False, directories: bool = True, on_wait: OnWait | None = None
) -> tuple[int, int]:
    """Removes what builds have kept beyond limits, images stay; returns how many steps, and the bytes of their layers.

    With `everything`, the steps go, too, whose layers images have, and all directories that commands have as caches;
    without `directories`, which may be large, these are not looked at.
    """
    store = ImageStore(layout.images, layout.cache)
    count = 0
    spare: dict[Path, int] = {}

    def decide(catalogue: Catalogue) -> Doomed:
        nonlocal count
        needs, beyond = _needs(layout, store, catalogue, limits)
        gone = buildcache.kept_steps(store.cache) if everything else beyond
        buildcache.forget(gone)
        count = len(gone)
        if directories:
            spare.update(
                buildcache.spare_directories(
                    buildcache.kept_directories(store.cache),
                    largest_bytes=0 if everything else limits.largest_bytes,
                    used_since_ns=limits.used_since_ns,
                )
            )
        for path in spare:
            remove_tree(path)
        needs = needs._replace(cached=()) if everything else needs
        return unneeded(catalogue, needs, unwanted=lambda _image: False)

    _, freed = store.remove(decide, on_wait)
    return count + len(spare), freed + sum(spare.values())


def bound_builds(layout: Layout) -> int:
    """Removes what builds have kept beyond the bound, unless somebody is at work on images; returns the bytes freed."""

    def leave() -> None:
        raise BlockingIOError

    with suppress(BlockingIOError):
        return prune_builds(layout, Limits(), directories=False, on_wait=leave)[1]
    return 0


def find(store: ImageStore, catalogue: Catalogue, word: str) -> tuple[Image | None, str]:
    """The image that a word means, and the name that it is (empty: it is an id). ImageError when there is none.

    A name whose image is damaged has none.
    """
    name = ""
    with suppress(ImageError):
        name = parse_reference(word).canonical
    if name in catalogue.names:
        return catalogue.images.get(catalogue.names[name]), name
    image = store.find(word)
    if image is None:
        raise unknown(store, word)
    return image, ""


def unknown(store: ImageStore, word: str) -> ImageError:
    """What to say of an image that is not here: what may have been meant."""
    from difflib import get_close_matches  # noqa: PLC0415 -- only a mistake needs it

    known = [parse_reference(name).familiar for name in store.catalogue().names]
    close = get_close_matches(word, [*known, *(name.rpartition(":")[0] for name in known)], n=1)
    hint = f"did you mean '{close[0]}'?" if close else "windlass image ls shows those that are"
    return ImageError(f"image {word.removeprefix(DIGEST_PREFIX)[:100]} is not here", hint=hint)


def _needs(layout: Layout, store: ImageStore, catalogue: Catalogue, limits: Limits) -> tuple[Needs, tuple[Kept, ...]]:
    """What must stay, and the steps beyond the limits of what builds may keep."""
    used = uses(layout)
    shared = {layer for use in used for layer in use.layers}
    shared.update(layer for image in catalogue.images.values() if image for layer in image.layers)
    steps = buildcache.kept_steps(store.cache)
    stay = buildcache.within(
        steps,
        catalogue.layers,
        shared,
        largest_bytes=limits.largest_bytes,
        used_since_ns=limits.used_since_ns,
    )
    kept = set(stay)
    beyond = tuple(step for step in steps if step not in kept)
    return Needs(used, frozenset(step.layer for step in stay if step.layer)), beyond
