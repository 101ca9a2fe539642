"""The images of this installation on disk: content-addressed, shared by every stack.

Whatever becomes visible here is complete: it is made aside, written through to the disk and renamed into place. An
image that is damaged, or lacks a layer, counts as missing, so that whoever makes it makes it again.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from engine.directories import make_private
from engine.errors import ImageError
from engine.images import durable, ociconfig, places
from engine.images.model import HistoryEntry, Image, ImageConfig, LayerFacts, Origin
from engine.images.references import Reference, parse_reference, reference_of_file_name
from engine.images.serialisation import digest_tree
from engine.images.workspaces import workspace

_SHORTEST_ID = 4
_TREE_MODE = 0o755


class Catalogue(NamedTuple):
    """What a store holds: image ids by canonical name; images by id and facts by diff id, None where damaged."""

    names: Mapping[str, str]
    images: Mapping[str, Image | None]
    layers: Mapping[str, LayerFacts | None]


class Doomed(NamedTuple):
    """What goes: canonical names, ids of images, diff ids of layers."""

    names: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()


class ImageStore:
    """The store under `root`; `cache` is for what can be made again. Both are made when first needed."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root
        self.cache = cache

    def find(self, reference: str) -> Image | None:
        """The image of that name, id or beginning of an id (4 digits at least); None when there is none."""
        digits = reference.removeprefix(places.DIGEST_PREFIX)
        is_id = digits != reference
        if not is_id:
            image_id = self._read_reference(parse_reference(reference))
            if image_id:
                return self._load(image_id)
        if len(digits) < _SHORTEST_ID:
            return None
        found = [path.stem for path in self._files("images") if path.stem.startswith(digits)]
        if len(found) > 1 and (is_id or set(digits) <= set("0123456789abcdef")):
            raise ImageError(f"{reference!r} is the beginning of {len(found)} images' ids", hint="give more digits")
        return self._load(places.DIGEST_PREFIX + found[0]) if found else None

    def list(self) -> tuple[tuple[str, Image], ...]:
        """Every reference, in its familiar form and alphabetical order, with its image."""
        found = []
        for path in self._files("references"):
            reference = reference_of_file_name(path.name)
            image = self._load(self._read_reference(reference))
            if image is not None:
                found.append((reference.familiar, image))
        return tuple(sorted(found))

    def tag(self, reference: str, image: Image, origin: Origin | None = None) -> None:
        """Gives an image a name; an image that had it before loses it. `origin` says which registry's it is."""
        name = parse_reference(reference)
        content = f"{image.id}\n".encode() + (msgspec.json.encode(origin) + b"\n" if origin else b"")
        with self._locked("store.lock"):
            if not places.image_document(self.root, image.id).exists():
                raise ImageError(f"image {image.id} has just been removed")
            durable.write_file(self._directory("references") / name.file_name, content)

    def origin(self, reference: str) -> Origin | None:
        """Where the image of that name came from; None when it was made here, or there is none."""
        _, _, rest = self._reference_text(parse_reference(reference)).partition("\n")
        try:
            return msgspec.json.decode(rest, type=Origin)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def has_name(self, reference: str) -> bool:
        """Whether an image has, or had before it was damaged, that name."""
        return bool(self._read_reference(parse_reference(reference)))

    def untag(self, reference: str) -> bool:
        """Takes a name away and says whether it existed. The image stays."""
        path = self.root / "references" / parse_reference(reference).file_name
        with self._locked("store.lock"):
            try:
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    def layer_directory(self, diff_id: str) -> Path:
        """The directory of a layer's files."""
        return places.layer_tree(self.root, diff_id)

    def layer_directories(self, image: Image) -> tuple[Path, ...]:
        """The directories of an image's layers, base first."""
        return tuple(self.layer_directory(diff_id) for diff_id in image.layers)

    def layer_facts(self, diff_id: str) -> LayerFacts | None:
        """What is known of a layer; None when it is not here."""
        try:
            return msgspec.json.decode(places.layer_facts(self.root, diff_id).read_bytes(), type=LayerFacts)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def add_layer(self, tree: Path) -> str:
        """Takes a directory over by renaming it and returns its diff id; it must lie on the store's file system.

        Its ids are canonical already. The directory is gone afterwards, also when the same layer was here before.
        """
        tree.chmod(_TREE_MODE)
        with self.workspace() as aside:
            staged = aside / "layer"
            staged.mkdir()
            tree.rename(staged / "tree")
            with durable.tree_written_through(staged):
                diff_id, facts = _read_tree(staged / "tree")
            if self.layer_facts(diff_id) is None:
                durable.write_file(staged / "layer.json", msgspec.json.encode(facts))
                self._publish_layer(staged, diff_id, aside)
        return diff_id

    def add_unpacked_layer(self, staged: Path, diff_id: str, facts: LayerFacts) -> None:
        """Takes over a directory in a workspace whose `tree` holds a layer's files.

        The caller vouches for the diff id: it is the digest of the archive that the files came from.
        """
        places.hexadecimal(diff_id)
        with durable.tree_written_through(staged):
            durable.write_file(staged / "layer.json", msgspec.json.encode(facts))
        self._publish_layer(staged, diff_id, staged.parent)

    def add_image(
        self,
        config: ImageConfig,
        layers: tuple[str, ...],
        *,
        created_ns: int,
        architecture: str,
        history: tuple[HistoryEntry, ...] = (),
    ) -> Image:
        """Records an image made of layers that are here; it has no name yet."""
        document = ociconfig.encode(
            config=config,
            layers=layers,
            created_ns=created_ns,
            architecture=architecture,
            history=history,
        )
        return self.add_document(document)

    def add_document(self, document: bytes) -> Image:
        """Records an image by its configuration (OCI), whose layers are here; it has no name yet."""
        image_id = ociconfig.digest_of(document)
        self._directory("images")
        with self._locked("store.lock"):
            durable.write_file(places.image_document(self.root, image_id), document)
        image = self._load(image_id)
        if image is None:
            raise ImageError(f"cannot record image {image_id}: one of its layers is not in the store")
        return image

    def document(self, image_id: str) -> bytes:
        """An image's configuration as it was recorded; ImageError when it is not here."""
        try:
            return places.image_document(self.root, image_id).read_bytes()
        except FileNotFoundError:
            raise ImageError(f"image {image_id} is not here", hint="windlass image ls shows those that are") from None

    def catalogue(self) -> Catalogue:
        """Everything in the store: what cannot be read is there, too, without being known."""
        found = (reference_of_file_name(path.name) for path in self._files("references"))
        ids = (places.DIGEST_PREFIX + path.stem for path in self._files("images"))
        layers = (places.DIGEST_PREFIX + path.name for path in self._files("layers"))
        return Catalogue(
            names={reference.canonical: self._read_reference(reference) for reference in found},
            images={image_id: self._load(image_id) for image_id in ids},
            layers={diff_id: self.layer_facts(diff_id) for diff_id in layers},
        )

    def remove(
        self, decide: Callable[[Catalogue], Doomed], on_wait: Callable[[], None] | None = None
    ) -> tuple[Doomed, int]:
        """Removes what `decide` picks while nobody makes or needs anything; returns it with the bytes of its layers.

        Waits until no build, pull or `up` is under way. What a crash cuts short, the next removal ends.
        """
        with self._locked("use.lock", on_wait=on_wait), self.workspace() as aside:
            with self._locked("store.lock"):
                for kind in ("images", "references"):
                    durable.remove_unfinished(self.root / kind)
                catalogue = self.catalogue()
                doomed = decide(catalogue)
                for name in doomed.names:
                    (self.root / "references" / parse_reference(name).file_name).unlink(missing_ok=True)
                for image_id in doomed.images:
                    places.image_document(self.root, image_id).unlink(missing_ok=True)
                for diff_id in doomed.layers:
                    places.layer_home(self.root, diff_id).rename(aside / places.hexadecimal(diff_id))
            facts = (catalogue.layers[diff_id] for diff_id in doomed.layers)
            return doomed, sum(known.size_bytes for known in facts if known)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While the block runs, nothing is removed: layers may be here that no image refers to yet."""
        with self._locked("use.lock", shared=True):
            yield

    @contextmanager
    def alone(self, work: str, on_wait: Callable[[], None]) -> Iterator[None]:
        """Runs the block when nobody else runs one for the same `work`; `on_wait` is called before waiting for them."""
        with self._locked(f"{work}.lock", on_wait=on_wait):
            yield

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A directory on the store's file system, removed with the block, or by the next workspace after a crash."""
        with workspace(self._directory("tmp")) as path:
            yield path

    def _publish_layer(self, staged: Path, diff_id: str, aside: Path) -> None:
        home = places.layer_home(self.root, diff_id)
        layers = self._directory("layers")
        with self._locked("store.lock"):
            if self.layer_facts(diff_id) is not None:
                return  # another process was faster
            if home.exists():
                home.rename(aside / "damaged")
            staged.rename(home)
            durable.write_directory_through(layers)

    def _load(self, image_id: str) -> Image | None:
        try:
            image = ociconfig.decode(places.image_document(self.root, image_id).read_bytes())
        except (FileNotFoundError, ImageError):
            return None
        facts = [self.layer_facts(diff_id) for diff_id in dict.fromkeys(image.layers)]
        if image.id != image_id or None in facts:
            return None
        return msgspec.structs.replace(image, size_bytes=sum(fact.size_bytes for fact in facts if fact))

    def _read_reference(self, reference: Reference) -> str:
        return self._reference_text(reference).partition("\n")[0]

    def _reference_text(self, reference: Reference) -> str:
        try:
            return (self.root / "references" / reference.file_name).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def _files(self, kind: str) -> tuple[Path, ...]:
        try:
            paths = sorted((self.root / kind).iterdir())
        except FileNotFoundError:
            return ()
        return tuple(path for path in paths if not path.name.startswith("."))

    def _directory(self, kind: str) -> Path:
        make_private(self.root)
        path = self.root / kind
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    @contextmanager
    def _locked(self, name: str, *, shared: bool = False, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
        with durable.locked(self._directory("locks") / name, shared=shared, on_wait=on_wait):
            yield


def _read_tree(tree: Path) -> tuple[str, LayerFacts]:
    handle = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return digest_tree(handle)
    finally:
        os.close(handle)
