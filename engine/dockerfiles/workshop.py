"""Makes new layers on top of others."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.dockerfiles import placing, uppers, views
from engine.dockerfiles.placing import Owner
from engine.images.store import ImageStore

# What a container's own file systems and files are mounted on. Below the layers that a command sees, these are there
# for every image, and none of them is ever part of what the command wrote.
_MOUNT_DIRECTORIES = ("dev", "etc", "proc", "sys")
_MOUNT_FILES = ("etc/hostname", "etc/hosts", "etc/resolv.conf")


class Workshop:
    """A place on the store's file system; `aside` and what is left in it are its owner's to remove."""

    def __init__(self, store: ImageStore, aside: Path) -> None:
        self._store = store
        self._aside = aside

    @contextmanager
    def looking_at(self, layers: tuple[str, ...]) -> Iterator[int]:
        """A descriptor of the root that layers make up."""
        with views.read_only_view(self._directories(layers), self._empty()) as view:
            yield view

    @contextmanager
    def changing(self, layers: tuple[str, ...]) -> Iterator[tuple[int, Path]]:
        """Likewise, to be changed; with the directory that the changes go to."""
        upper, work = self._empty(), self._empty()
        with views.writable_view(self._directories(layers), upper, work) as view:
            yield view, upper

    def with_directory(self, layers: tuple[str, ...], path: str) -> str:
        """A layer that makes a directory; empty when it is there already."""
        with self.changing(layers) as (view, upper), placing.directory(view, path, Owner()):
            pass
        return self.layer(upper, 0)

    def mount_points(self) -> str:
        """The layer of what every container needs to be there, to go below all others of a command."""
        tree = self._empty()
        for name in _MOUNT_DIRECTORIES:
            (tree / name).mkdir()
            (tree / name).chmod(0o755)
        for name in _MOUNT_FILES:
            (tree / name).touch()
            (tree / name).chmod(0o644)
        for name in (*_MOUNT_FILES, *_MOUNT_DIRECTORIES):
            os.utime(tree / name, (0, 0))
        return self._store.add_layer(tree)

    def layer(self, upper: Path, first_id: int) -> str:
        """A layer of what a directory of changes holds, empty when it holds nothing; the directory is taken over.

        `first_id` is the host id of the root of whoever wrote it, 0 when its ids are those of a layer.
        """
        handle = os.open(upper, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not uppers.make_layer_tree(handle, first_id):
                return ""
        finally:
            os.close(handle)
        return self._store.add_layer(upper)

    def _directories(self, layers: tuple[str, ...]) -> tuple[Path, ...]:
        return tuple(self._store.layer_directory(layer) for layer in layers)

    def _empty(self) -> Path:
        path = self._aside / os.urandom(8).hex()
        path.mkdir(mode=0o755)
        return path
