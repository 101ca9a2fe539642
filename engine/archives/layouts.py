"""Reads which images an archive holds: as `docker save` writes them, or as the OCI image layout has them."""

from typing import Any, Final, NamedTuple

import msgspec

from engine.archives.bundles import Bundle
from engine.errors import ImageError
from engine.images.ociconfig import digest_of
from engine.images.places import hexadecimal
from engine.images.references import parse_reference
from engine.registries.manifests import (
    LARGEST_DOCUMENT,
    Descriptor,
    Host,
    Index,
    Platform,
    choose,
    read_document,
)

NAME_KEY: Final = "io.containerd.image.name"
TAG_KEY: Final = "org.opencontainers.image.ref.name"
_MOST_LAYERS: Final = 127
_DEEPEST_INDEX: Final = 3


class Blob(NamedTuple):
    """A file of an archive; its digest and size where the archive tells them (empty, -1)."""

    name: str
    digest: str = ""
    size: int = -1


class Packed(NamedTuple):
    """An image in an archive: the names it shall get, its configuration, its layers, base first."""

    names: tuple[str, ...]
    config: Blob
    layers: tuple[Blob, ...]


class _Saved(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An entry of manifest.json."""

    config: str
    repo_tags: tuple[str, ...] | None = None
    layers: tuple[str, ...] | None = None


class _Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry of index.json."""

    digest: str
    size: int
    media_type: str = ""
    annotations: dict[str, str] | None = None
    platform: Platform | None = None


class _Layout(msgspec.Struct, frozen=True, kw_only=True):
    manifests: tuple[_Entry, ...]


def packed_images(bundle: Bundle, host: Host) -> tuple[Packed, ...]:
    """The images in an archive, of those for several platforms the one for `host`. ImageError says what is wrong."""
    if bundle.has("manifest.json"):
        found = _saved(bundle)
    elif bundle.has("index.json"):
        found = _laid_out(bundle, host)
    elif bundle.has("repositories"):
        raise ImageError("the archive is in a form of 2015 that is not read any more", hint="save the image again")
    else:
        raise ImageError(
            "this is no archive of images: it has neither a manifest.json nor an index.json",
            hint="windlass import makes an image of an archive of files",
        )
    if not found:
        raise ImageError("there is no image in the archive")
    for image in found:
        if len(image.layers) > _MOST_LAYERS:
            raise ImageError(f"the image has {len(image.layers)} layers; {_MOST_LAYERS} are the most")
        for name in image.names:
            parse_reference(name)
    return found


def _saved(bundle: Bundle) -> tuple[Packed, ...]:
    """As `docker save` writes it."""
    entries = _decoded(bundle.document("manifest.json", LARGEST_DOCUMENT), "manifest.json", tuple[_Saved, ...])
    return tuple(
        Packed(
            names=tuple(entry.repo_tags or ()),
            config=_named_by_digest(entry.config),
            layers=tuple(map(Blob, entry.layers or ())),
        )
        for entry in entries
    )


def _named_by_digest(name: str) -> Blob:
    """A configuration's file is called by its digest; one that is not may have any."""
    digits = name.rpartition("/")[2].removesuffix(".json")
    try:
        hexadecimal(f"sha256:{digits}")
    except ImageError:
        return Blob(name)
    return Blob(name, f"sha256:{digits}")


def _laid_out(bundle: Bundle, host: Host) -> tuple[Packed, ...]:
    """As the OCI image layout has it; several entries of one name are its platforms."""
    entries = _decoded(bundle.document("index.json", LARGEST_DOCUMENT), "index.json", _Layout).manifests
    groups: dict[str, list[_Entry]] = {}
    for entry in entries:
        if entry.platform is not None and entry.platform.os == "unknown":
            continue  # what is said about an image is none
        groups.setdefault(_name_of(entry) or entry.digest, []).append(entry)
    return tuple(_one(bundle, host, group) for group in groups.values())


def _one(bundle: Bundle, host: Host, group: list[_Entry]) -> Packed:
    name = _name_of(group[0])
    descriptors = [
        Descriptor(media_type=entry.media_type, digest=entry.digest, size=entry.size, platform=entry.platform)
        for entry in group
    ]
    chosen = descriptors[0] if len(group) == 1 else choose(Index(manifests=tuple(descriptors)), host)
    for _ in range(_DEEPEST_INDEX):
        found = read_document(_checked(bundle, chosen), chosen.media_type)
        if not isinstance(found, Index):
            config, layers = _blob(found.config), tuple(map(_blob, found.layers))
            return Packed((name,) if name else (), config, layers)
        chosen = choose(found, host)
    raise ImageError("the archive's indexes lead to one another")


def _checked(bundle: Bundle, descriptor: Descriptor) -> bytes:
    content = bundle.document(_blob(descriptor).name, LARGEST_DOCUMENT)
    if digest_of(content) != descriptor.digest or len(content) != descriptor.size:
        raise ImageError(f"the archive has other content under {descriptor.digest} than that digest names")
    return content


def _blob(descriptor: Descriptor) -> Blob:
    return Blob(f"blobs/sha256/{hexadecimal(descriptor.digest)}", descriptor.digest, descriptor.size)


def _name_of(entry: _Entry) -> str:
    """The name that whoever wrote the layout gave an image; a tag alone is none."""
    annotations = entry.annotations or {}
    name = annotations.get(NAME_KEY) or annotations.get(TAG_KEY, "")
    if NAME_KEY not in annotations and ":" not in name and "/" not in name:
        return ""
    return name


def _decoded(content: bytes, name: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ImageError(f"the archive's {name} cannot be read: {error}") from None
