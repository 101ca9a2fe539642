"""A stored layer as the archive that it is known by: the bytes whose digest is its diff id."""

import hashlib
import os
from collections.abc import Callable

from engine.errors import ImageError
from engine.images.serialisation import serialise
from engine.images.store import ImageStore

Write = Callable[[bytes | memoryview], object]


def write_archive(store: ImageStore, diff_id: str, write: Write) -> None:
    """Writes a layer's tar archive, uncompressed; ImageError when what is stored does not give the digest any more."""
    digest = hashlib.sha256()

    def both(piece: bytes | memoryview) -> None:
        digest.update(piece)
        write(piece)

    tree = os.open(store.layer_directory(diff_id), os.O_RDONLY | os.O_DIRECTORY)
    try:
        serialise(tree, both)
    finally:
        os.close(tree)
    if f"sha256:{digest.hexdigest()}" != diff_id:
        raise ImageError(f"layer {diff_id} cannot be written as the archive that it came from", hint="pull it again")
