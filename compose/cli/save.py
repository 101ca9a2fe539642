"""`windlass save`."""

from typing import Annotated

from compose.cli.archivefiles import written
from compose.cli.choices import one_of
from compose.cli.options import Argument, Option
from compose.cli.session import Session
from engine.archives.saving import FORMATS, Chosen, save
from engine.errors import ImageError
from engine.housekeeping.cleaning import find
from engine.images.model import Image
from engine.images.store import ImageStore


def command(
    session: Session,
    images: Annotated[list[str], Argument("Names, or ids, of images.")],
    *,
    output: Annotated[str, Option("--output", "-o", tells="A file to write to instead of our output.")] = "",
    form: Annotated[str, Option("--format", tells="docker-archive (an OCI layout as well) or oci-archive.")] = FORMATS[
        0
    ],
) -> None:
    """Writes images as one archive, for `windlass load` and other programs."""
    one_of("--format", form, FORMATS)
    session.refuse_dry_run("save")
    session.require_root()
    store = ImageStore(session.layout.images, session.layout.cache)
    catalogue = store.catalogue()
    chosen: dict[str, tuple[Image, list[str]]] = {}
    for word in images:
        image, name = find(store, catalogue, word)
        if image is None:
            raise ImageError(f"image {word} is damaged", hint="pull or build it again")
        names = chosen.setdefault(image.id, (image, []))[1]
        names.extend([name] if name and name not in names else [])
    with written(output, "windlass save IMAGE") as file:
        save(store, (Chosen(image, tuple(names)) for image, names in chosen.values()), file, form)
