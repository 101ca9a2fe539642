"""Volumes and images, made and removed by the command itself."""

from collections.abc import Iterator

from compose import naming
from engine.errors import EngineError
from engine.layout import Layout
from engine.records import read_records
from engine.spec import ContainerSpec, ImageMount
from engine.volumes import VolumeStore


class LocalShelf:
    """The shelf of an installation; see compose.doing.execute.Shelf."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def create_volume(self, name: str, labels: dict[str, str], options: dict[str, str]) -> None:
        """Makes a volume if missing, with what its options name mounted on it."""
        store = VolumeStore(self._layout.volumes)
        made = store.ensure(name, labels, labels.get(naming.PROJECT, ""), options)
        if options:
            from engine.volumemounts import attach  # noqa: PLC0415 - few volumes have options

            try:
                attach(made)
            except EngineError:
                store.remove(name)
                raise

    def remove_volume(self, name: str) -> None:
        """Removes a volume with its data; nothing happens when it is gone."""
        VolumeStore(self._layout.volumes).remove(name)

    def remove_image(self, name: str) -> None:
        """Takes an image's name away, with everything that nobody else uses."""
        from engine.images.store import ImageStore  # noqa: PLC0415 - only `down --rmi` needs it

        store = ImageStore(self._layout.images, self._layout.cache)
        store.untag(name)
        store.remove_unused(keep=_layers_in_use(self._layout))


def _layers_in_use(layout: Layout) -> frozenset[str]:
    """The layers of every container of every stack."""
    try:
        stacks = sorted(layout.stacks.iterdir())
    except FileNotFoundError:
        return frozenset()
    records = (record for stack in stacks for record in read_records(layout.stack(stack.name)))
    return frozenset(layer for record in records for layer in layers_of(record.spec))


def layers_of(spec: ContainerSpec) -> Iterator[str]:
    """The layers of a container's own image, and of those that it mounts."""
    yield from spec.layers
    for mount in spec.mounts:
        if isinstance(mount, ImageMount):
            yield from mount.layers
