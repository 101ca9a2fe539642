"""Makes new layers on top of others."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.dockerfiles import copying, placing, uppers, views
from engine.dockerfiles.placing import Owner
from engine.images.store import ImageStore

# What a container's own file systems and files are mounted on. Below the layers that a command sees, these are there
# for every image, and none of them is ever part of what the command wrote.
_MOUNT_DIRECTORIES = ("dev", "etc", "proc", "sys")
_MOUNT_FILES = ("etc/hostname", "etc/hosts", "etc/resolv.conf")


class Workshop:
    """A place on the store's file system; `aside` and what is left in it are its owner's to remove."""

    def __init__(self, store: ImageStore, aside: Path, newest_ns: int | None = None) -> None:
        self._store = store
        self._aside = aside
        self._newest_ns = newest_ns

    @contextmanager
    def looking_at(self, layers: tuple[str, ...]) -> Iterator[int]:
        """A descriptor of the root that layers make up."""
        with views.read_only_view(self._directories(layers), self.empty()) as view:
            yield view

    @contextmanager
    def changing(self, layers: tuple[str, ...]) -> Iterator[tuple[int, Path]]:
        """Likewise, to be changed; with the directory that the changes go to."""
        upper, work = self.empty(), self.empty()
        with views.writable_view(self._directories(layers), upper, work) as view:
            yield view, upper

    def with_directory(self, layers: tuple[str, ...], path: str, user: str = "") -> str:
        """A layer that makes a directory, which belongs to `user`; empty when it is there already."""
        with self.changing(layers) as (view, upper):
            owner = copying.find_owner(view, user) or Owner()
            with placing.directory(view, path, owner):
                pass
        return self.layer(upper, 0)

    def mount_points(self, directories: Iterable[str] = (), files: Iterable[str] = ()) -> str:
        """The layer of what a command's container needs to be there, to go below all others.

        Besides what every container needs, these are absolute paths of what it mounts.
        """
        tree = self.empty()
        made = [tree]
        for name in sorted({*_MOUNT_DIRECTORIES, *(path.strip("/") for path in directories)}):
            made += _make_directories(tree, name)
        for name in sorted({*_MOUNT_FILES, *(path.strip("/") for path in files)}):
            parent, _, last = name.rpartition("/")
            made += _make_directories(tree, parent)
            if not os.path.lexists(tree / parent / last):
                made.append(tree / parent / last)
                made[-1].touch()
                made[-1].chmod(0o644)
        for path in reversed(made):
            os.utime(path, (0, 0))
        return self._store.add_layer(tree)

    def layer(self, upper: Path, first_id: int) -> str:
        """A layer of what a directory of changes holds, empty when it holds nothing; the directory is taken over.

        `first_id` is the host id of the root of whoever wrote it, 0 when its ids are those of a layer.
        """
        handle = os.open(upper, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not uppers.make_layer_tree(handle, first_id, self._newest_ns):
                return ""
        finally:
            os.close(handle)
        return self._store.add_layer(upper)

    def _directories(self, layers: tuple[str, ...]) -> tuple[Path, ...]:
        return tuple(self._store.layer_directory(layer) for layer in layers)

    def empty(self) -> Path:
        """A new directory, which goes with the build."""
        path = self._aside / os.urandom(8).hex()
        path.mkdir(mode=0o755)
        return path


def _make_directories(tree: Path, name: str) -> list[Path]:
    made = []
    path = tree
    for part in name.split("/") if name else ():
        path /= part
        if not path.exists():
            path.mkdir()
            path.chmod(0o755)
            made.append(path)
    return made
