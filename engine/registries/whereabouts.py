"""Where the blobs of stored layers are known to be: a note beside each layer, written by pulls and pushes.

A layer's digest says what its archive contains, a blob's how it was packed. The notes are hints: whoever reads them
asks the registry, too, and losing one costs an upload.
"""

import os
from contextlib import suppress
from typing import Final

import msgspec

from engine.images import places
from engine.images.store import ImageStore

_MOST: Final = 16


class KnownBlob(msgspec.Struct, frozen=True, kw_only=True):
    """A layer's blob in one repository of a registry; `size` in bytes."""

    registry: str
    repository: str
    digest: str
    size: int
    media_type: str


def known_blobs(store: ImageStore, diff_id: str) -> tuple[KnownBlob, ...]:
    """Where a layer has been seen, the latest first."""
    try:
        return msgspec.json.decode(places.layer_blobs(store.root, diff_id).read_bytes(), type=tuple[KnownBlob, ...])
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return ()


def remember_blob(store: ImageStore, diff_id: str, blob: KnownBlob) -> None:
    """Notes where a layer is; nothing happens when the layer is gone."""
    before = known_blobs(store, diff_id)
    if blob in before:
        return
    place = (blob.registry, blob.repository)
    others = tuple(other for other in before if (other.registry, other.repository) != place)
    path = places.layer_blobs(store.root, diff_id)
    unfinished = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    with suppress(FileNotFoundError):
        unfinished.write_bytes(msgspec.json.encode((blob, *others)[:_MOST]))
        unfinished.rename(path)
