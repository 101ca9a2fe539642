"""Tells of images whose files have changed since they were built here."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from compose.deciding.choices import ImageChoice
from compose.doing.build_requests import request_for
from compose.model import Build, Service

if TYPE_CHECKING:
    from engine.dockerfiles.requests import BuildRequest

_MOST_NAMED = 3


def _request(build: Build, name: str) -> "BuildRequest":
    """What the image would be built of; who else is built decides nothing here."""
    return request_for(build, name, environment={}, image_of=lambda _service: name)


def stale_images(services: Iterable[Service], choices: Mapping[str, ImageChoice], cache: Path) -> tuple[str, ...]:
    """A warning for each image that a build would make anew, with what has changed."""
    warnings: dict[str, str] = {}
    for service in services:
        choice = choices[service.name]
        wanted = service.build
        if wanted is None or choice.image is None or choice.need or choice.name in warnings:
            continue
        from engine.dockerfiles.staleness import changes_since_build  # noqa: PLC0415 - only where images are built

        changed = changes_since_build(cache, choice.image.id, _request(wanted, choice.name))
        if changed:
            more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
            named = ", ".join(changed[:_MOST_NAMED]) + more
            told = f"image {choice.name} is stale: {named} changed since it was built"
            warnings[choice.name] = f"{told}; --build builds it anew"
    return tuple(warnings.values())
