"""Pulls an image: its manifest, its configuration, and those of its layers that are not here."""

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from engine.errors import ImageError
from engine.images import ociconfig
from engine.images.model import Image, Origin
from engine.images.places import DIGEST_PREFIX
from engine.images.references import Reference, parse_reference
from engine.images.store import ImageStore
from engine.registries.access import Access
from engine.registries.downloads import download_file, fetch, forget, sweep
from engine.registries.manifests import (
    ACCEPTED,
    LARGEST_DOCUMENT,
    Descriptor,
    Host,
    Index,
    Manifest,
    choose,
    read_document,
)
from engine.registries.patience import Patience
from engine.registries.sidebyside import side_by_side
from engine.registries.sources import Sources
from engine.registries.terms import LayerNews, Way, short
from engine.registries.whereabouts import KnownBlob, remember_blob
from engine.registries.wire import Answer, Wire

if TYPE_CHECKING:
    from engine.images.jail import Jail

LAYERS_AT_ONCE: Final = 3

Result = TypeVar("Result")


def pull(store: ImageStore, name: str, way: Way, on_news: Callable[[LayerNews], None]) -> tuple[Image, bool]:
    """Returns the image of that name as its registry has it, and whether it is new here.

    ImageError says why it cannot be had; what has arrived of it stays aside for the next attempt. `on_news` may be
    called by several threads, but by one at a time.
    """
    reference = parse_reference(name)
    wire = Wire(way.timeout_seconds, way.proxies)
    try:
        with store.in_use():
            return _Pull(store, reference, Sources(reference, way, wire), way.patience, on_news, wire.close).image()
    except ImageError as error:
        raise type(error)(f"cannot pull {reference.familiar}: {error.message}", hint=error.hint) from error
    except OSError as error:
        where = f" ({os.fsdecode(error.filename)})" if error.filename else ""
        raise ImageError(
            f"cannot pull {reference.familiar}: {error.strerror}{where}", hint="what has arrived stays: pull again"
        ) from error
    finally:
        wire.close()


class _Pull:
    def __init__(
        self,
        store: ImageStore,
        reference: Reference,
        sources: Sources,
        patience: Patience,
        on_news: Callable[[LayerNews], None],
        stop: Callable[[], None],
    ) -> None:
        self._store = store
        self._reference = reference
        self._sources = sources
        self._patience = patience
        self._on_news = on_news
        self._stop = stop
        self._lock = threading.Lock()
        self._downloads = store.cache / "downloads"

    def image(self) -> tuple[Image, bool]:
        asked = self._reference.digest or self._reference.tag
        known = self._store.origin(self._reference.canonical)
        if known and not self._reference.digest:
            found = self._store.find(self._reference.canonical)
            if found is not None and self._digest_now(asked) == known.digest:
                self._name(found, known.digest)
                return found, False
        digest, manifest = self._manifest(asked)
        document = self._fetched(partial(_small_blob, descriptor=manifest.config))
        image = ociconfig.decode(document)
        host = ociconfig.host_architecture(os.uname().machine)
        if image.architecture != host:
            raise ImageError(f"the image is made for linux/{image.architecture}, and this machine is linux/{host}")
        if len(image.layers) != len(manifest.layers):
            raise ImageError("the registry's manifest and the image's configuration name different layers")
        self._fetch_layers(dict(zip(image.layers, manifest.layers, strict=True)))
        new = self._store.find(image.id) is None
        made = self._store.add_document(document)
        self._name(made, digest)
        sweep(self._downloads, time.time())
        return made, new

    def _name(self, image: Image, digest: str) -> None:
        self._store.tag(self._reference.canonical, image, Origin(digest=digest, checked_ns=time.time_ns()))

    def _digest_now(self, asked: str) -> str:
        """The digest that the registry now has under a name; empty when it does not say."""

        def ask(access: Access) -> str:
            answer = _ask_manifest(access, "HEAD", asked)
            answer.close()
            if answer.status == 404:
                raise _absent(access)
            return answer.header("Docker-Content-Digest") if answer.status == 200 else ""

        return self._fetched(ask)

    def _manifest(self, asked: str) -> tuple[str, Manifest]:
        """The manifest for this machine, with the digest of what the name stands for."""
        digest, found = self._fetched(partial(_document, asked=asked))
        if isinstance(found, Index):
            chosen = choose(found, Host(ociconfig.host_architecture(os.uname().machine))).digest
            _, found = self._fetched(partial(_document, asked=chosen))
        if isinstance(found, Index):
            raise ImageError("the registry's index leads to another index")
        return digest, found

    def _fetched(self, attempt: Callable[[Access], Result]) -> Result:
        return self._patience.persist(lambda: self._sources.fetch(attempt))

    def _fetch_layers(self, blobs: dict[str, Descriptor]) -> None:
        for diff_id, blob in blobs.items():
            here = self._store.layer_facts(diff_id) is not None
            self._tell(blob, "Already exists" if here else "Pulling fs layer", over=here)
            if here:
                self._remember(diff_id, blob)
                forget(self._downloads, blob.digest)
        missing = {diff_id: blob for diff_id, blob in blobs.items() if self._store.layer_facts(diff_id) is None}
        if not missing:
            return
        from engine.images.jail import Jail  # noqa: PLC0415 - an unchanged image does without

        with Jail(self._store.cache) as jail:
            work = (partial(self._fetch_layer, diff_id, blob, jail) for diff_id, blob in missing.items())
            side_by_side(work, LAYERS_AT_ONCE)

    def _fetch_layer(self, diff_id: str, blob: Descriptor, jail: "Jail") -> None:
        with download_file(self._downloads, blob.digest) as file:
            if self._store.layer_facts(diff_id) is not None:  # another pull has just made it
                self._tell(blob, "Already exists", over=True)
                return
            self._tell(blob, "Downloading", bytes_all=blob.size)
            self._sources.fetch(
                partial(
                    fetch,
                    descriptor=blob,
                    file=file,
                    patience=self._patience,
                    on_bytes=lambda count: self._tell(blob, "Downloading", bytes_here=count, bytes_all=blob.size),
                )
            )
            self._tell(blob, "Download complete")
            self._tell(blob, "Extracting")
            from engine.images.layer_archives import add_archive  # noqa: PLC0415 - an unchanged image does without

            try:
                add_archive(self._store, file, diff_id, jail=jail)
            except ImageError as error:
                raise ImageError(f"layer {short(blob.digest)}: {error.message}", hint=error.hint) from error
            self._remember(diff_id, blob)
            self._tell(blob, "Pull complete", over=True)

    def _remember(self, diff_id: str, blob: Descriptor) -> None:
        """Notes for pushes where the layer is."""
        known = KnownBlob(
            registry=self._reference.registry,
            repository=self._reference.repository,
            digest=blob.digest,
            size=blob.size,
            media_type=blob.media_type,
        )
        remember_blob(self._store, diff_id, known)

    def _tell(
        self, blob: Descriptor, word: str, *, bytes_here: int = 0, bytes_all: int = 0, over: bool = False
    ) -> None:
        with self._lock:
            self._on_news(LayerNews(short(blob.digest), word, bytes_here, bytes_all, over))


def _document(access: Access, asked: str) -> tuple[str, Manifest | Index]:
    """What a registry has under a tag or digest, with its digest."""
    answer = _ask_manifest(access, "GET", asked)
    content = answer.body(LARGEST_DOCUMENT)
    if answer.status == 404:
        raise _absent(access)
    if answer.status != 200:
        raise ImageError(f"the registry {access.registry} answers with HTTP {answer.status}")
    digest = ociconfig.digest_of(content)
    if asked.startswith(DIGEST_PREFIX) and digest != asked:
        raise ImageError(f"the registry {access.registry} sent another manifest than {asked}")
    return digest, read_document(content, answer.header("Content-Type"))


def _absent(access: Access) -> ImageError:
    return ImageError(f"the registry {access.registry} does not have it", hint="check the image's name and its tag")


def _ask_manifest(access: Access, method: str, asked: str) -> Answer:
    return access.ask(method, f"{access.repository}/manifests/{asked}", {"Accept": ACCEPTED})


def _small_blob(access: Access, descriptor: Descriptor) -> bytes:
    """An image's configuration."""
    if descriptor.size > LARGEST_DOCUMENT:
        raise ImageError(f"the image's configuration has {descriptor.size:,} bytes")
    answer = access.ask("GET", f"{access.repository}/blobs/{descriptor.digest}")
    content = answer.body(LARGEST_DOCUMENT)
    if answer.status != 200:
        raise ImageError(f"the registry {access.registry} does not have the image's configuration")
    if ociconfig.digest_of(content) != descriptor.digest:
        raise ImageError(f"the registry {access.registry} sent another configuration than its manifest names")
    return content
