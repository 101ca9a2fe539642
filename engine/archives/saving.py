"""Writes images as one archive that is two at once: what `docker load` reads, and an OCI image layout.

Layers are not packed, so that their digests are those that the images name them by.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from engine.archives.bundles import write_all
from engine.archives.layouts import NAME_KEY, TAG_KEY
from engine.images import ociconfig, tarheaders
from engine.images.layer_archives import write_archive
from engine.images.model import Image
from engine.images.places import hexadecimal
from engine.images.references import parse_reference
from engine.images.store import ImageStore
from engine.images.tarheaders import Entry
from engine.registries.manifests import OCI_MANIFEST, Descriptor, write_manifest

FORMATS: Final = ("docker-archive", "oci-archive")
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
_COUNTED_BYTES: Final = 4 << 30
"""Layers beyond this may need a longer header than was left room for: they are counted first."""


class Chosen(NamedTuple):
    """An image to write, under these canonical names."""

    image: Image
    names: tuple[str, ...]


def save(store: ImageStore, images: Iterable[Chosen], file: int, kind: str = FORMATS[0]) -> None:
    """Writes an archive of images to an open file or stream; `kind` is of FORMATS. Raises ImageError."""
    images = tuple(images)
    archive = _Archive(file)
    sizes: dict[str, int] = {}
    with store.in_use():
        archive.directory("blobs")
        archive.directory("blobs/sha256")
        for layer in dict.fromkeys(layer for chosen in images for layer in chosen.image.layers):
            sizes[layer] = archive.layer(store, layer)
        written: set[str] = set()
        entries: list[dict[str, Any]] = []
        for chosen in images:
            document = store.document(chosen.image.id)
            layers = tuple(Descriptor(media_type=_LAYER, digest=each, size=sizes[each]) for each in chosen.image.layers)
            manifest, _ = write_manifest(Descriptor(digest=chosen.image.id, size=len(document)), layers)
            for content in (document, manifest):
                if (digest := ociconfig.digest_of(content)) not in written:
                    written.add(digest)
                    archive.file(_blob(digest), content)
            entries += _entries(manifest, chosen)
    archive.file("index.json", _json({"schemaVersion": 2, "manifests": entries}))
    if kind == FORMATS[0]:
        archive.file("manifest.json", _json([_saved(chosen) for chosen in images]))
    archive.file("oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
    archive.end()


def _entries(manifest: bytes, chosen: Chosen) -> list[dict[str, Any]]:
    """What index.json says of an image: an entry for each name."""
    plain = {"mediaType": OCI_MANIFEST, "digest": ociconfig.digest_of(manifest), "size": len(manifest)}
    platform = {"architecture": chosen.image.architecture, "os": "linux"}
    return [
        {**plain, "annotations": {NAME_KEY: name, TAG_KEY: parse_reference(name).tag}, "platform": platform}
        for name in chosen.names
    ] or [{**plain, "platform": platform}]


def _saved(chosen: Chosen) -> dict[str, Any]:
    """What manifest.json says of an image."""
    return {
        "Config": _blob(chosen.image.id),
        "RepoTags": [parse_reference(name).familiar for name in chosen.names] or None,
        "Layers": [_blob(layer) for layer in chosen.image.layers],
    }


def _blob(digest: str) -> str:
    return f"blobs/sha256/{hexadecimal(digest)}"


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


class _Archive:
    """A tar archive that is written from its beginning to its end; the same images give the same bytes."""

    def __init__(self, file: int) -> None:
        self._file = file
        status = fcntl.fcntl(file, fcntl.F_GETFL)
        self._can_go_back = stat.S_ISREG(os.fstat(file).st_mode) and not status & os.O_APPEND

    def directory(self, name: str) -> None:
        self._entry(Entry(f"{name}/".encode(), tarheaders.DIRECTORY, 0o755, 0, 0, 0))

    def file(self, name: str, content: bytes) -> None:
        self._entry(_file_entry(name, len(content)))
        write_all(self._file, content + tarheaders.padding(len(content)))

    def layer(self, store: ImageStore, diff_id: str) -> int:
        """Writes a layer's archive; returns its size, which is known only afterwards."""
        name = _blob(diff_id)
        facts = store.layer_facts(diff_id)
        counted = not self._can_go_back or facts is None or facts.size_bytes > _COUNTED_BYTES
        size = _count(lambda write: write_archive(store, diff_id, write)) if counted else 0
        begin = 0 if counted else os.lseek(self._file, 0, os.SEEK_CUR)
        self._entry(_file_entry(name, size))
        written = _count(lambda write: write_archive(store, diff_id, write), self._file)
        if not counted:
            os.pwrite(self._file, tarheaders.header(_file_entry(name, written)), begin)
        write_all(self._file, tarheaders.padding(written))
        return written

    def end(self) -> None:
        write_all(self._file, bytes(2 * tarheaders.BLOCK))

    def _entry(self, entry: Entry) -> None:
        write_all(self._file, tarheaders.header(entry))


def _file_entry(name: str, size: int) -> Entry:
    return Entry(name.encode(), tarheaders.FILE, 0o644, 0, 0, 0, size)


def _count(produce: Callable[[Callable[[bytes | memoryview], object]], None], file: int = -1) -> int:
    """How many bytes come, which go to a file if one is given."""
    count = 0

    def take(piece: bytes | memoryview) -> None:
        nonlocal count
        count += len(piece)
        if file >= 0:
            write_all(file, piece)

    produce(take)
    return count
