"""Makes an image of an archive of files, such as `export` writes, or of any root file system."""

import os
from typing import NamedTuple

from engine.archives.bundles import seekable
from engine.images import ociconfig
from engine.images.layer_archives import add_archive
from engine.images.model import Image, ImageConfig
from engine.images.store import ImageStore
from engine.versions.documents import Version, next_version
from engine.versions.instructions import changed_settings


class Order(NamedTuple):
    """What to make: `name` may be empty; `changes` are a Dockerfile's instructions about settings."""

    created_ns: int
    name: str = ""
    message: str = ""
    changes: tuple[str, ...] = ()
    architecture: str = ""


def import_files(store: ImageStore, file: int, order: Order) -> Image:
    """Makes an image with one layer, the archive in an open file or stream, and names it. Raises ImageError."""
    settings = changed_settings(ImageConfig(), order.changes)
    architecture = order.architecture or ociconfig.host_architecture(os.uname().machine)
    with store.in_use(), store.workspace() as aside:
        with seekable(file, aside) as archive:
            diff_id, _ = add_archive(store, archive)
        document = ociconfig.encode(config=ImageConfig(), layers=(), created_ns=0, architecture=architecture)
        version = Version(created_ns=order.created_ns, layer=diff_id, comment=order.message, settings=settings)
        image = store.add_document(next_version(document, version))
        if order.name:
            store.tag(order.name, image)
    return image
