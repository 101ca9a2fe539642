"""Volumes and images, made and removed by the command itself."""

from compose import naming
from engine.errors import EngineError
from engine.layout import Layout
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
        """Takes an image's name away, with everything that nobody else needs; nothing happens when it is gone."""
        from engine.housekeeping.cleaning import remove_image  # noqa: PLC0415 - only `down --rmi` needs it
        from engine.images.store import ImageStore  # noqa: PLC0415 - likewise

        if ImageStore(self._layout.images, self._layout.cache).has_name(name):
            remove_image(self._layout, name)
