"""Decides what goes from the image store: one image by its name or id, or everything that nobody needs."""

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from engine.errors import ImageError
from engine.housekeeping.uses import Use
from engine.images.model import Image
from engine.images.places import DIGEST_PREFIX
from engine.images.references import parse_reference
from engine.images.store import Catalogue, Doomed


class Needs(NamedTuple):
    """What must stay: the images that containers use, and the layers that builds have kept."""

    uses: tuple[Use, ...] = ()
    cached: Collection[str] = ()


def one_image(
    catalogue: Catalogue, needs: Needs, image: Image, name: str, *, force: bool = False, keep_files: bool = False
) -> Doomed:
    """What goes with a name of an image, or with all its names if none is given (it was named by its id).

    With its last name goes the image with what only it has, unless a container needs it. ImageError when one does;
    with `force`, the names go all the same. With `keep_files`, nothing but names goes.
    """
    names = tuple(sorted(known for known, image_id in catalogue.names.items() if image_id == image.id))
    going = (name,) if name else names
    if len(going) < len(names):
        return Doomed(names=going)
    users = [use for use in needs.uses if use.image_id == image.id]
    if users and not force:
        raise _in_use(image, name, users)
    if not name and len({parse_reference(known).repository for known in names}) > 1 and not force:
        raise ImageError(
            f"image {_short(image.id)} has names in several repositories: {', '.join(map(familiar, names))}",
            hint="remove it by its names, or by its id with --force",
        )
    if users or keep_files:
        return Doomed(names=going)
    left = [known for image_id, known in catalogue.images.items() if known and image_id != image.id]
    needed = _needed_layers(left, needs)
    gone = tuple(layer for layer in dict.fromkeys(image.layers) if layer not in needed and layer in catalogue.layers)
    return Doomed(names=going, images=(image.id,), layers=gone)


def unneeded(
    catalogue: Catalogue,
    needs: Needs,
    *,
    named: bool = False,
    unwanted: Callable[[Image], bool] = lambda _image: True,
) -> Doomed:
    """Everything that no container needs and that has no name (with `named`: whether it has one or not).

    Only images that are `unwanted` go. Layers go that are no image's any more, nor kept by builds.
    """
    used = {use.image_id for use in needs.uses}
    names: list[str] = []
    if named:
        for name, image_id in catalogue.names.items():
            image = catalogue.images.get(image_id)
            if image is None or (image_id not in used and unwanted(image)):
                names.append(name)
    held = used | {image_id for name, image_id in catalogue.names.items() if name not in set(names)}
    images = tuple(
        image_id
        for image_id, image in catalogue.images.items()
        if image_id not in held and (image is None or unwanted(image))
    )
    left = [image for image_id, image in catalogue.images.items() if image and image_id not in set(images)]
    needed = _needed_layers(left, needs)
    layers = tuple(layer for layer in catalogue.layers if layer not in needed)
    return Doomed(names=tuple(names), images=images, layers=layers)


def familiar(canonical: str) -> str:
    """A name as people write it."""
    return parse_reference(canonical).familiar


def _needed_layers(images: Iterable[Image], needs: Needs) -> set[str]:
    needed = set(needs.cached)
    for use in needs.uses:
        needed.update(use.layers)
    for image in images:
        needed.update(image.layers)
    return needed


def _in_use(image: Image, name: str, users: list[Use]) -> ImageError:
    shown = familiar(name) if name else _short(image.id)
    now = [f"{use.container} (stack {use.stack})" for use in users if not use.former]
    former = [f"{use.container} (stack {use.stack})" for use in users if use.former]
    if now:
        who, hint = f"{', '.join(now)} was made from it", "windlass down first, or take the name away with --force"
    else:
        who, hint = f"windlass rollback may take {', '.join(former)} back to it", "--force takes its name away"
    return ImageError(f"image {shown} is in use: {who}", hint=hint)


def _short(image_id: str) -> str:
    return image_id.removeprefix(DIGEST_PREFIX)[:12]
