"""Takes the images of an archive into the store."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from engine.archives.bundles import Bundle, opened_bundle, temporary
from engine.archives.layouts import Packed, packed_images
from engine.errors import ImageError
from engine.images import ociconfig
from engine.images.jail import Jail
from engine.images.layer_archives import add_archive
from engine.images.model import Image
from engine.images.references import parse_reference
from engine.images.store import ImageStore
from engine.registries.manifests import LARGEST_DOCUMENT, Host


class Loaded(NamedTuple):
    """An image that is here now, with the names that the archive gave it."""

    image: Image
    names: tuple[str, ...]


def load(store: ImageStore, file: int, on_layer: Callable[[str], None]) -> tuple[Loaded, ...]:
    """Takes in every image of an archive in an open file or stream; `on_layer` is told of each layer that is new.

    ImageError says what is wrong with the archive; the images before the one that is wrong are here then.
    """
    host = Host(ociconfig.host_architecture(os.uname().machine))
    with (
        store.in_use(),
        store.workspace() as aside,
        Jail(store.cache) as jail,
        opened_bundle(file, aside) as bundle,
    ):
        found = packed_images(bundle, host)
        return tuple(_take_in(store, bundle, packed, _Hands(aside, jail, on_layer)) for packed in found)


class _Hands(NamedTuple):
    aside: Path
    jail: Jail
    on_layer: Callable[[str], None]


def _take_in(store: ImageStore, bundle: Bundle, packed: Packed, hands: _Hands) -> Loaded:
    document = bundle.document(packed.config.name, LARGEST_DOCUMENT)
    described = ociconfig.decode(document)
    if packed.config.digest not in {"", described.id}:
        raise ImageError("the archive has another configuration than it names by its digest")
    if len(described.layers) != len(packed.layers):
        raise ImageError("the archive's manifest and the image's configuration name different layers")
    for diff_id, blob in zip(described.layers, packed.layers, strict=True):
        if store.layer_facts(diff_id) is not None:
            continue
        hands.on_layer(diff_id)
        with temporary(hands.aside) as layer:
            bundle.extract(blob.name, layer, blob.digest, blob.size)
            try:
                add_archive(store, layer, diff_id, jail=hands.jail)
            except ImageError as error:
                raise ImageError(f"layer {diff_id[7:19]}: {error.message}", hint=error.hint) from error
    image = store.add_document(document)
    for name in packed.names:
        store.tag(name, image)
    return Loaded(image, tuple(parse_reference(name).familiar for name in packed.names))
