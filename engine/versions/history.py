"""Tells what made an image, step by step, with what each step added."""

from collections.abc import Callable
from typing import NamedTuple

from engine.images.model import Image, LayerFacts


class Version(NamedTuple):
    """One step of an image: the layer that it added (empty: none) with the sum of its files' sizes.

    `image_id` is that of the image where the step is its last one, else empty: nobody keeps what lay between.
    """

    image_id: str
    layer: str
    size_bytes: int
    created_ns: int
    created_by: str
    author: str
    comment: str


def versions(image: Image, facts: Callable[[str], LayerFacts | None]) -> tuple[Version, ...]:
    """The steps, the last one first.

    Layers that no step speaks of are those of a base that nobody has described.
    """
    found: list[Version] = []
    layers = list(image.layers)
    for entry in reversed(image.history):
        layer = "" if entry.empty or not layers else layers.pop()
        found.append(
            Version("", layer, _size(layer, facts), entry.created_ns, entry.created_by, entry.author, entry.comment)
        )
    found += (Version("", layer, _size(layer, facts), 0, "", "", "") for layer in reversed(layers))
    if not found:
        found.append(Version("", "", 0, image.created_ns, "", "", ""))
    found[0] = found[0]._replace(image_id=image.id, created_ns=found[0].created_ns or image.created_ns)
    return tuple(found)


def _size(layer: str, facts: Callable[[str], LayerFacts | None]) -> int:
    known = facts(layer) if layer else None
    return known.size_bytes if known else 0
