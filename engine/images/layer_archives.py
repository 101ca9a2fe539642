"""A stored layer as the archive that it is known by: the bytes whose digest is its diff id."""

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack

from engine.errors import ImageError
from engine.images import places
from engine.images.jail import Jail
from engine.images.model import LayerFacts
from engine.images.recipes import follow
from engine.images.serialisation import serialise
from engine.images.store import ImageStore

Write = Callable[[bytes | memoryview], object]


def add_archive(store: ImageStore, blob: int, diff_id: str = "", *, jail: Jail | None = None) -> tuple[str, LayerFacts]:
    """Unpacks a layer's archive, packed or not, into the store; returns its diff id with what is known of it.

    With a `diff_id`, another archive is refused. ImageError leaves nothing behind. `blob` is an open file at any place.
    Who adds several brings a `jail` for all of them: one takes a tenth of a second to load.
    """
    with store.workspace() as aside, ExitStack() as stack:
        jail = jail or stack.enter_context(Jail(store.cache))
        staged = aside / "layer"
        staged.mkdir(mode=0o700)
        home = os.open(staged, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, home)
        found, facts = jail.unpack(blob, home)
        if diff_id and found != diff_id:
            raise ImageError(f"it contains other files than the image says: {found} instead of {diff_id}")
        store.add_unpacked_layer(staged, found, facts)
    return found, facts


def write_archive(store: ImageStore, diff_id: str, write: Write) -> None:
    """Writes a layer's tar archive, uncompressed; ImageError when what is stored does not give the digest any more."""
    digest = hashlib.sha256()

    def both(piece: bytes | memoryview) -> None:
        digest.update(piece)
        write(piece)

    with ExitStack() as stack:
        home = os.open(places.layer_home(store.root, diff_id), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, home)
        if not follow(home, both):
            tree = os.open(places.TREE, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=home)
            stack.callback(os.close, tree)
            serialise(tree, both)
    if f"sha256:{digest.hexdigest()}" != diff_id:
        raise ImageError(
            f"layer {diff_id} cannot be written as the archive that it came from",
            hint="remove the image and pull it again",
        )
