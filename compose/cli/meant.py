"""The image that a word means: the one of a service's container, or one by its name or id."""

from compose.cli.session import Session
from compose.doing.observe import containers
from compose.errors import FileError, UsageError
from engine.housekeeping.cleaning import unknown
from engine.images.model import Image
from engine.images.store import ImageStore
from engine.state import ContainerRecord


def meant_image(session: Session, store: ImageStore, word: str) -> Image:
    """Services of the stack win over names of images; `NAME:latest` means an image in any case. Raises ImageError."""
    record = container_of(session, word)
    if record is not None:
        found = store.find(record.spec.image_id)
        if found is not None:
            return found
    image = store.find(word)
    if image is None:
        raise unknown(store, word)
    return image


def container_of(session: Session, service: str) -> ContainerRecord | None:
    """A container of the service in the stack that is meant here, if there is a stack with one."""
    try:
        place = session.stack_layout()
    except (FileError, UsageError):
        return None
    found = [record for record in containers(place) if record.spec.service == service]
    return min(found, key=lambda record: (record.spec.one_off, record.spec.number), default=None)
