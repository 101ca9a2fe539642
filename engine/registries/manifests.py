"""What a registry says an image consists of: manifests and indexes, of OCI and of Docker, and the choice among them."""

from typing import Any, Final, NamedTuple

import msgspec

from engine.errors import ImageError
from engine.images.places import hexadecimal

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPTED: Final = f"{OCI_INDEX}, {OCI_MANIFEST}, {DOCKER_INDEX}, {DOCKER_MANIFEST}"
LARGEST_DOCUMENT: Final = 4 << 20
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_MOST_LAYERS: Final = 127
_KINDS = {OCI_INDEX: "index", DOCKER_INDEX: "index", OCI_MANIFEST: "manifest", DOCKER_MANIFEST: "manifest"}


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """What programs of an image run on."""

    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        """As people write it: linux/arm64/v8."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A piece of content by its digest; `size` in bytes."""

    media_type: str = ""
    digest: str
    size: int
    platform: Platform | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One image: its configuration and its layers, base first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


class _Written(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    schema_version: int = 2
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """The same image for several platforms."""

    manifests: tuple[Descriptor, ...]


class Host(NamedTuple):
    """The platform that an image is wanted for; an empty variant takes any."""

    architecture: str
    variant: str = ""


def read_document(content: bytes, media_type: str) -> Manifest | Index:
    """Reads what a registry answered; ImageError for what is none of the four kinds, or two at once."""
    try:
        fields = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # the second from within strings
        raise ImageError(f"the registry's manifest cannot be read: {error}") from None
    if fields.get("schemaVersion") == 1:
        raise ImageError("the image is in a form of 2015 that is not read any more", hint="push it again")
    declared = fields.get("mediaType") or media_type.partition(";")[0].strip()
    kind = _KINDS.get(declared) if isinstance(declared, str) else None
    if kind is None:
        raise ImageError(f"the registry's manifest is of an unknown kind: {str(declared)[:100]!r}")
    if "manifests" in fields and ("layers" in fields or "config" in fields):
        raise ImageError("the registry's manifest is an index and an image at once: one of them is meant to deceive")
    try:
        found: Manifest | Index
        found = msgspec.convert(fields, Index) if kind == "index" else msgspec.convert(fields, Manifest)
    except msgspec.ValidationError as error:
        raise ImageError(f"the registry's manifest cannot be read: {error}") from None
    _check(found)
    return found


def write_manifest(config: Descriptor, layers: tuple[Descriptor, ...]) -> tuple[bytes, str]:
    """A manifest with its media type: Docker's if all layers came in Docker's form, else OCI's.

    Of `config` and of layers without a media type only digest and size count.
    """
    docker = bool(layers) and all(layer.media_type == _DOCKER_LAYER for layer in layers)
    kind = DOCKER_MANIFEST if docker else OCI_MANIFEST
    named = msgspec.structs.replace(config, media_type=DOCKER_CONFIG if docker else OCI_CONFIG)
    written = _Written(
        media_type=kind, config=named, layers=layers if docker else tuple(_in_oci_form(layer) for layer in layers)
    )
    return msgspec.json.encode(written), kind


def _in_oci_form(layer: Descriptor) -> Descriptor:
    """The layer under OCI's name for how it is packed."""
    packed = layer.media_type.rpartition("+")[2] if "+" in layer.media_type else ""
    if layer.media_type in {"", _DOCKER_LAYER}:
        packed = "gzip"
    return msgspec.structs.replace(layer, media_type=f"{_OCI_LAYER}+{packed}" if packed else _OCI_LAYER)


def choose(index: Index, host: Host) -> Descriptor:
    """The image in an index that runs on the host; ImageError names the platforms there are."""
    known = [entry for entry in index.manifests if entry.platform is not None and entry.platform.os != "unknown"]
    fitting = [
        entry
        for entry in known
        if entry.platform and (entry.platform.os, entry.platform.architecture) == ("linux", host.architecture)
    ]
    for entry in fitting:
        if entry.platform and host.variant and entry.platform.variant == host.variant:
            return entry
    if fitting:
        return fitting[0]
    there = ", ".join(sorted({str(entry.platform) for entry in known})) or "none that says so"
    raise ImageError(f"the image is not made for linux/{host.architecture}", hint=f"it is there for {there}")


def _check(found: Manifest | Index) -> None:
    if isinstance(found, Manifest) and len(found.layers) > _MOST_LAYERS:
        raise ImageError(f"the image has {len(found.layers)} layers; {_MOST_LAYERS} are the most that can be mounted")
    for descriptor in found.manifests if isinstance(found, Index) else (found.config, *found.layers):
        hexadecimal(descriptor.digest)
        if descriptor.size < 0:
            raise ImageError("the registry's manifest has a part of negative size")
