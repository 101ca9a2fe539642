"""Which image a service runs, what has to be done before it is there."""

import msgspec

from engine.images.model import Image, ImageConfig

UNKNOWN_IMAGE = Image(id="", created_ns=0, architecture="", config=ImageConfig(command=("not known yet",)), layers=())
"""Stands for an image that is still to be made."""


class ImageNeed(msgspec.Struct, frozen=True, kw_only=True):
    """An image that must be made before its service's containers; `cause` says why.

    `builder` is the service whose Dockerfile makes it, `pull` says that its registry has it; else it is made otherwise,
    with `refresh` of what its sources have now.
    """

    cause: str
    builder: str = ""
    pull: bool = False
    refresh: bool = False


class ImageChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A service's image: its name, the image where there is one, and what has to be done for it first."""

    name: str
    image: Image | None = None
    need: ImageNeed | None = None
