"""What images, containers, volumes and builds take on the disk, and what of it could be had back."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from engine.housekeeping import buildcache
from engine.housekeeping.occupancy import disk_bytes
from engine.housekeeping.uses import uses_of
from engine.images.store import ImageStore
from engine.layout import Layout
from engine.records import read_records
from engine.spec import VolumeMount
from engine.state import ALIVE, ContainerRecord
from engine.volumes import VolumeStore


class Item(NamedTuple):
    """One thing with what it takes; `active`: something needs it. `shared_bytes` of an image are other images', too."""

    kind: Literal["image", "container", "volume", "build"]
    name: str
    stack: str
    size_bytes: int
    active: bool
    shared_bytes: int = 0


class Total(NamedTuple):
    """All things of a kind: how many, how many are needed, and the bytes of all and of those that nobody needs."""

    number: int
    active: int
    size_bytes: int
    reclaimable_bytes: int


class Account(NamedTuple):
    """Everything; layers that several images have count once in the totals."""

    images: tuple[Item, ...]
    containers: tuple[Item, ...]
    volumes: tuple[Item, ...]
    builds: tuple[Item, ...]
    image_total: Total

    def totals(self) -> dict[str, Total]:
        """By the names that Docker has for the kinds."""
        return {
            "Images": self.image_total,
            "Containers": _total(self.containers),
            "Local Volumes": _total(self.volumes),
            "Build Cache": _total(self.builds),
        }


def account(layout: Layout) -> Account:
    """Looks at everything of an installation; large directories take their time."""
    records = _records(layout)
    store = ImageStore(layout.images, layout.cache)
    catalogue = store.catalogue()
    sizes = {layer: facts.size_bytes for layer, facts in catalogue.layers.items() if facts}
    needed = {use.image_id for use in uses_of(records)}
    images = {image_id: image for image_id, image in catalogue.images.items() if image}
    owners: dict[str, int] = {}
    for image in images.values():
        for layer in set(image.layers):
            owners[layer] = owners.get(layer, 0) + 1
    names: dict[str, str] = {}
    for name, image_id in catalogue.names.items():
        names.setdefault(image_id, name)
    kept_layers = {layer for image_id in needed if image_id in images for layer in images[image_id].layers}
    image_bytes = sum(sizes.get(layer, 0) for layer in owners)
    active = sum(image_id in needed for image_id in images)
    steps = {step.layer: step for step in buildcache.kept_steps(store.cache) if step.layer in sizes}
    return Account(
        images=tuple(
            Item(
                kind="image",
                name=names.get(image_id, image_id),
                stack="",
                size_bytes=image.size_bytes,
                active=image_id in needed,
                shared_bytes=sum(sizes.get(layer, 0) for layer in set(image.layers) if owners[layer] > 1),
            )
            for image_id, image in images.items()
        ),
        containers=tuple(_container(layout, record) for record in records),
        volumes=_volumes(layout, records),
        builds=tuple(Item("build", layer, "", sizes[layer], active=False) for layer in steps if layer not in owners),
        image_total=Total(
            len(images), active, image_bytes, image_bytes - sum(sizes.get(layer, 0) for layer in kept_layers)
        ),
    )


def _records(layout: Layout) -> tuple[ContainerRecord, ...]:
    try:
        stacks = sorted(layout.stacks.iterdir())
    except FileNotFoundError:
        return ()
    return tuple(record for stack in stacks for record in read_records(layout.stack(stack.name)))


def _container(layout: Layout, record: ContainerRecord) -> Item:
    size_bytes = disk_bytes(layout.container_data(record.spec.id))
    alive = record.state.status in ALIVE
    return Item("container", record.spec.name, record.spec.stack, size_bytes, active=alive)


def _volumes(layout: Layout, records: Iterable[ContainerRecord]) -> tuple[Item, ...]:
    used = {mount.volume for record in records for mount in record.spec.mounts if isinstance(mount, VolumeMount)}
    return tuple(
        Item(
            kind="volume",
            name=volume.record.name,
            stack=volume.record.project,
            size_bytes=disk_bytes(volume.data),
            active=volume.record.name in used,
        )
        for volume in VolumeStore(layout.volumes).list()
    )


def _total(items: tuple[Item, ...]) -> Total:
    return Total(
        number=len(items),
        active=sum(item.active for item in items),
        size_bytes=sum(item.size_bytes for item in items),
        reclaimable_bytes=sum(item.size_bytes for item in items if not item.active),
    )
