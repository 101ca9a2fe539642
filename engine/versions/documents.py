"""Writes the configuration of an image that is another one with changes; what nobody here knows of stays as it is."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from engine.errors import ImageError
from engine.images import ociconfig

# What old documents say of the container that they were made from.
_OUTDATED = ("id", "parent", "parent_id", "container", "container_config", "throwaway", "moby.buildkit.buildinfo.v1")


class Version(NamedTuple):
    """What is new: a layer (empty: none), and who says what about it; `created_by` is the command that made it."""

    created_ns: int
    layer: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    settings: Mapping[str, Any] = {}


def next_version(document: bytes, version: Version) -> bytes:
    """The configuration (OCI) of an image with one step more; `settings` replace keys of its `config`, None takes away.

    ImageError when the document cannot be read.
    """
    try:
        fields: dict[str, Any] = msgspec.json.decode(document, type=dict[str, Any])
        layers = [*fields["rootfs"]["diff_ids"]]
        history = [*(fields.get("history") or ())]
        config = {**(fields.get("config") or {}), **version.settings}
        unknown = len(layers) - sum(not entry.get("empty_layer") for entry in history)
    except (msgspec.DecodeError, AttributeError, KeyError, TypeError) as error:
        raise ImageError(f"an image's configuration cannot be read: {error}") from None
    created = ociconfig.timestamp(version.created_ns)
    step = {
        "created": created,
        "created_by": version.created_by,
        "author": version.author,
        "comment": version.comment,
        "empty_layer": not version.layer,
    }
    fields = {key: value for key, value in fields.items() if key not in (*_OUTDATED, "author", "comment")}
    fields |= {"author": version.author} if version.author else {}
    fields |= {"comment": version.comment} if version.comment else {}
    fields |= {
        "created": created,
        "config": {key: value for key, value in config.items() if value is not None},
        "rootfs": {"type": "layers", "diff_ids": [*layers, *((version.layer,) if version.layer else ())]},
        "history": [
            *({"created_by": ""} for _ in range(unknown)),
            *history,
            {key: value for key, value in step.items() if value},
        ],
    }
    return msgspec.json.encode(fields, order="sorted")
