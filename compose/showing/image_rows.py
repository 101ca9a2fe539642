"""Images of the store as `image ls` lists them, with the fields that Docker gives them."""

from collections.abc import Collection
from typing import NamedTuple

from compose.showing.formats import Row, Shape
from compose.times import date_text, rough_duration, size_text
from engine.images.model import Image
from engine.images.references import parse_reference

NONE = "<none>"
IMAGES = Shape(
    columns=("Repository", "Tag", "ID", "CreatedSince", "Size"),
    headers={
        "Architecture": "ARCHITECTURE",
        "Containers": "CONTAINERS",
        "CreatedAt": "CREATED AT",
        "CreatedSince": "CREATED",
        "Digest": "DIGEST",
        "ID": "IMAGE ID",
        "Repository": "REPOSITORY",
        "SharedSize": "SHARED SIZE",
        "Size": "SIZE",
        "Tag": "TAG",
        "UniqueSize": "UNIQUE SIZE",
    },
)


class Listed(NamedTuple):
    """An image under one of its names (empty: none), as it is listed; `digest` is its registry's.

    `unique_bytes` is what its layers have that no other image has; `containers` how many were made from it.
    """

    name: str
    image: Image
    digest: str = ""
    unique_bytes: int = 0
    containers: int = 0


def shape(*, digests: bool) -> Shape:
    """What is listed; `digests` in a column of their own, too."""
    return IMAGES._replace(columns=("Repository", "Tag", "Digest", *IMAGES.columns[2:])) if digests else IMAGES


def image_row(listed: Listed, *, now_ns: int, whole: bool = False) -> Row:
    """One of them; ids are cut unless `whole`."""
    image = listed.image
    repository, tag = repository_and_tag(listed.name)
    fields = {
        "Architecture": image.architecture,
        "Containers": str(listed.containers),
        "CreatedAt": date_text(image.created_ns),
        "CreatedSince": since(image.created_ns, now_ns),
        "Digest": listed.digest or NONE,
        "ID": image.id if whole else short_id(image.id),
        "Repository": repository,
        "SharedSize": size_text(image.size_bytes - listed.unique_bytes),
        "Size": size_text(image.size_bytes),
        "Tag": tag,
        "UniqueSize": size_text(listed.unique_bytes),
    }
    return Row(fields, image.config.labels)


def repository_and_tag(name: str) -> tuple[str, str]:
    """A name's parts as Docker's columns show them."""
    if not name:
        return NONE, NONE
    reference = parse_reference(name)
    familiar = reference._replace(tag="", digest="").familiar
    return familiar, reference.tag or NONE


def since(created_ns: int, now_ns: int) -> str:
    """How long ago that was; nobody knows of what has no time."""
    return f"{rough_duration(now_ns - created_ns)} ago" if created_ns else "N/A"


def short_id(digest: str) -> str:
    """The first 12 digits."""
    return digest.removeprefix("sha256:")[:12]


def unique_bytes(image: Image, others: Collection[Image], sizes: dict[str, int]) -> int:
    """What an image's layers take that none of the others has; `sizes` are those of layers."""
    shared = {layer for other in others if other.id != image.id for layer in other.layers}
    return sum(sizes.get(layer, 0) for layer in dict.fromkeys(image.layers) if layer not in shared)
