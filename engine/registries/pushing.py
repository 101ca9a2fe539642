"""Pushes an image: those of its layers that the repository lacks, its configuration, its manifest."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from engine.errors import ImageError
from engine.images import ociconfig, places
from engine.images.model import Image, Origin
from engine.images.references import Reference, parse_reference
from engine.images.store import ImageStore
from engine.registries.access import Access
from engine.registries.manifests import Descriptor, write_manifest
from engine.registries.packing import packed_layer
from engine.registries.sidebyside import side_by_side
from engine.registries.terms import LayerNews, Way, short
from engine.registries.uploads import has_blob, mount, refused, require_digest, upload
from engine.registries.whereabouts import KnownBlob, known_blobs, remember_blob
from engine.registries.wire import Wire

LAYERS_AT_ONCE: Final = 3
_TIMEOUT_FACTOR: Final = 4  # a registry digests what it got before it answers
_MOST_NEIGHBOURS: Final = 4
_LONGEST_ANSWER: Final = 1 << 20


class Pushed(NamedTuple):
    """What a registry has now: a manifest's digest and its size in bytes."""

    digest: str
    size: int


def push(store: ImageStore, name: str, way: Way, on_news: Callable[[LayerNews], None]) -> Pushed:
    """Gives a registry the image of that name.

    ImageError says why it cannot be had there; what has arrived of it need not be sent again. `on_news` may be called
    by several threads, but by one at a time.
    """
    reference = parse_reference(name)
    wire = Wire(way.timeout_seconds * _TIMEOUT_FACTOR, way.proxies)
    try:
        with store.in_use():
            return _Push(store, reference, wire, way, on_news).image()
    except ImageError as error:
        raise type(error)(f"cannot push {reference.familiar}: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise ImageError(f"cannot push {reference.familiar}: {error.strerror}", hint="push again") from error
    finally:
        wire.close()


class _Push:
    def __init__(
        self, store: ImageStore, reference: Reference, wire: Wire, way: Way, on_news: Callable[[LayerNews], None]
    ) -> None:
        self._store = store
        self._reference = reference
        self._patience = way.patience
        self._on_news = on_news
        self._stop = wire.close
        self._lock = threading.Lock()
        self._image = self._found()
        self._known = {diff_id: known_blobs(store, diff_id) for diff_id in self._image.layers}
        self._access = Access(
            reference.registry,
            reference.repository,
            settings=way.settings,
            wire=wire,
            credentials=lambda: way.credentials(reference.registry),
            actions="pull,push",
            also_pulled=self._neighbours(),
        )

    def image(self) -> Pushed:
        for diff_id in self._known:
            self._tell(diff_id, "Preparing")
        blobs: dict[str, Descriptor] = {}

        def send(diff_id: str, aside: Path) -> None:
            blobs[diff_id] = self._layer(diff_id, aside)

        with self._store.workspace() as aside:
            side_by_side((partial(send, diff_id, aside) for diff_id in self._known), LAYERS_AT_ONCE, self._stop)
        document = places.image_document(self._store.root, self._image.id).read_bytes()
        config = Descriptor(digest=self._image.id, size=len(document))
        self._send_document(config, document)
        content, kind = write_manifest(config, tuple(blobs[diff_id] for diff_id in self._image.layers))
        digest = ociconfig.digest_of(content)
        self._patience.persist(lambda: self._send_manifest(content, kind, digest))
        now = self._store.find(self._reference.canonical)
        if now is not None and now.id == self._image.id:
            origin = Origin(digest=digest, checked_ns=time.time_ns())
            self._store.tag(self._reference.canonical, self._image, origin)
        return Pushed(digest, len(content))

    def _found(self) -> Image:
        if not self._reference.tag:
            raise ImageError("only a tag can be pushed", hint="name it as [registry/]name:tag")
        image = self._store.find(self._reference.canonical)
        if image is None:
            raise ImageError("there is no such image here", hint="build it first, or give one that is here that name")
        return image

    def _neighbours(self) -> tuple[str, ...]:
        """The registry's other repositories that are known to have some of the layers."""
        names = (blob.repository for blobs in self._known.values() for blob in self._same_registry(blobs))
        return tuple(dict.fromkeys(names))[:_MOST_NEIGHBOURS]

    def _same_registry(self, blobs: tuple[KnownBlob, ...]) -> Iterator[KnownBlob]:
        own = (self._reference.registry, self._reference.repository)
        return (blob for blob in blobs if blob.registry == own[0] and blob.repository != own[1])

    def _layer(self, diff_id: str, aside: Path) -> Descriptor:
        """Sees to it that the repository has a layer; returns what it is called there."""
        known = self._known[diff_id]
        for blob in {blob.digest: blob for blob in known}.values():
            if self._patience.persist(partial(has_blob, self._access, blob.digest, blob.size)):
                return self._done(diff_id, blob, "Layer already exists")
        for blob in self._same_registry(known):
            if blob.repository in self._neighbours() and self._patience.persist(
                partial(mount, self._access, blob.digest, blob.repository)
            ):
                return self._done(diff_id, blob, f"Mounted from {blob.repository}")
        with packed_layer(self._store, diff_id, aside) as layer:
            self._tell(diff_id, "Pushing")
            upload(
                self._access,
                layer,
                patience=self._patience,
                on_bytes=lambda count: self._tell(diff_id, "Pushing", bytes_here=count, bytes_all=layer.wait(0)[0]),
            )
            size, _ = layer.wait(0)
            sent = KnownBlob(registry="", repository="", digest=layer.digest, size=size, media_type="")
        return self._done(diff_id, sent, "Pushed")

    def _done(self, diff_id: str, blob: KnownBlob, word: str) -> Descriptor:
        here = KnownBlob(
            registry=self._reference.registry,
            repository=self._reference.repository,
            digest=blob.digest,
            size=blob.size,
            media_type=blob.media_type,
        )
        remember_blob(self._store, diff_id, here)
        self._tell(diff_id, word, over=True)
        return Descriptor(media_type=blob.media_type, digest=blob.digest, size=blob.size)

    def _send_document(self, config: Descriptor, document: bytes) -> None:
        if self._patience.persist(lambda: has_blob(self._access, config.digest, config.size)):
            return
        with _in_memory(document, config.digest) as source:
            upload(self._access, source, patience=self._patience, on_bytes=lambda _count: None)

    def _send_manifest(self, content: bytes, kind: str, digest: str) -> None:
        path = f"{self._reference.repository}/manifests/{self._reference.tag}"
        answer = self._access.ask("PUT", path, {"Content-Type": kind}, content)
        if answer.status not in {200, 201}:
            raise refused(self._access, "does not take the image's manifest", answer)
        answer.body(_LONGEST_ANSWER)
        require_digest(self._access, answer, digest)

    def _tell(self, diff_id: str, word: str, *, bytes_here: int = 0, bytes_all: int = 0, over: bool = False) -> None:
        with self._lock:
            self._on_news(LayerNews(short(diff_id), word, bytes_here, bytes_all, over))


class _Document(NamedTuple):
    """A small blob as a source for an upload."""

    file: int
    digest: str
    size: int

    def wait(self, least: int) -> tuple[int, bool]:
        del least
        return self.size, True


@contextmanager
def _in_memory(content: bytes, digest: str) -> Iterator[_Document]:
    file = os.memfd_create("document")
    try:
        os.write(file, content)
        yield _Document(file, digest, len(content))
    finally:
        os.close(file)
