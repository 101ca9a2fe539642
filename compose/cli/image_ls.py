"""`windlass image ls`."""

import sys
import time
from typing import Annotated

from compose.cli.imagefilters import parse_filters
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from compose.showing.formats import listed, require_format
from compose.showing.image_rows import Listed, image_row, shape, unique_bytes
from engine.housekeeping.cleaning import find
from engine.housekeeping.uses import uses
from engine.images.model import Image
from engine.images.references import parse_reference
from engine.images.store import Catalogue, ImageStore

FILTERS = ("dangling", "reference", "label", "before", "since", "until")


def command(
    session: Session,
    name: Annotated[str, Argument("Only images of this name, or of names like it (web*).", metavar="[NAME]")] = "",
    *,
    all_images: Annotated[bool, Option("--all", "-a", tells="As without it: there are no images in between.")] = False,
    digests: Annotated[bool, Option("--digests", tells="Show what registries call them, too.")] = False,
    filters: Annotated[list[str] | None, Option("--filter", "-f", tells="KEY=VALUE; may be repeated.")] = None,
    no_trunc: Annotated[bool, Option("--no-trunc", tells="Whole ids.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Ids only.")] = False,
    output: Annotated[str, Option("--format", tells="table, json (one object a line), or a template.")] = "table",
) -> None:
    """Lists the images that are here, whoever uses them."""
    del all_images  # what Docker lists besides does not exist here
    require_format(output)
    session.require_root()
    store = ImageStore(session.layout.images, session.layout.cache)
    catalogue = store.catalogue()
    now_ns = time.time_ns()
    wishes = [*(filters or ()), *([f"reference={name}"] if name else ())]
    takes = parse_filters(wishes, FILTERS, now_ns=now_ns, find=lambda word: _image(store, catalogue, word))
    found = [each for each in _all(session, store, catalogue) if takes(each.name, each.image)]
    if quiet:
        ids = dict.fromkeys(each.image.id for each in found)
        text = "".join(f"{each if no_trunc else each.removeprefix('sha256:')[:12]}\n" for each in ids)
    else:
        rows = [image_row(each, now_ns=now_ns, whole=no_trunc) for each in found]
        text = listed(rows, output, shape(digests=digests))
    sys.stdout.write(text)


def _all(session: Session, store: ImageStore, catalogue: Catalogue) -> list[Listed]:
    """Every image under each of its names, the newest first; those without a name as well."""
    images = {image_id: image for image_id, image in catalogue.images.items() if image}
    sizes = {diff_id: facts.size_bytes for diff_id, facts in catalogue.layers.items() if facts}
    containers = {(use.stack, use.container): use.image_id for use in uses(session.layout) if not use.former}
    found = []
    names = [(parse_reference(name).familiar, image_id) for name, image_id in catalogue.names.items()]
    named = {image_id for _, image_id in names}
    for name, image_id in [*names, *(("", image_id) for image_id in images if image_id not in named)]:
        image = images.get(image_id)
        if image is None:
            continue
        origin = store.origin(name) if name else None
        found.append(
            Listed(
                name=name,
                image=image,
                digest=origin.digest if origin else "",
                unique_bytes=unique_bytes(image, images.values(), sizes),
                containers=sum(each == image_id for each in containers.values()),
            )
        )
    return sorted(found, key=lambda each: (-each.image.created_ns, each.name))


def _image(store: ImageStore, catalogue: Catalogue, word: str) -> Image:
    image, _ = find(store, catalogue, word)
    if image is None:
        raise AssertionError(f"{word} is a name without an image")
    return image
