"""Makes an image of a container: what it has written becomes a layer on top of its image's."""

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import NamedTuple

from engine.dockerfiles.uppers import make_layer_tree
from engine.images import ociconfig
from engine.images.model import Image
from engine.images.store import ImageStore
from engine.layout import StackLayout
from engine.state import ContainerRecord
from engine.versions.documents import Version, next_version
from engine.versions.duplicates import duplicate
from engine.versions.instructions import changed_settings
from engine.versions.writable import opened


class Order(NamedTuple):
    """What to make: `name` may be empty. `changes` are a Dockerfile's instructions about settings."""

    created_ns: int
    name: str = ""
    author: str = ""
    message: str = ""
    changes: Iterable[str] = ()


def commit(
    store: ImageStore,
    stack: StackLayout,
    record: ContainerRecord,
    order: Order,
    standstill: AbstractContextManager[object],
) -> Image:
    """Makes the image, and names it; the container's files are copied while `standstill` is entered.

    The settings are those of the container's image with the changes: what its Compose file says stays there. Raises
    ImageError.
    """
    with store.in_use(), store.workspace() as aside:
        document = store.document(record.spec.image_id)
        settings = changed_settings(ociconfig.decode(document).config, order.changes)
        tree = aside / "tree"
        tree.mkdir(mode=0o755)
        with opened(store, stack, record) as container:
            copy = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
            try:
                with standstill:
                    duplicate(container.upper, copy, container.left_out)
                has_files = make_layer_tree(copy, record.state.first_id)
            finally:
                os.close(copy)
        version = Version(
            created_ns=order.created_ns,
            layer=store.add_layer(tree) if has_files else "",
            created_by=" ".join(record.spec.process.argv),
            author=order.author,
            comment=order.message,
            settings=settings,
        )
        image = store.add_document(next_version(document, version))
        if order.name:
            store.tag(order.name, image)
    return image
