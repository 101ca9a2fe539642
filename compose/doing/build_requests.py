"""What a service's `build` asks the engine for."""

from pathlib import Path
from typing import TYPE_CHECKING

from compose.model import Build

if TYPE_CHECKING:
    from engine.dockerfiles.requests import BuildRequest


def request_for(build: Build, tag: str) -> "BuildRequest":
    """The request that builds an image of that name."""
    from engine.dockerfiles.requests import BuildRequest  # noqa: PLC0415 - only where images are built

    return BuildRequest(
        context=Path(build.context),
        tag=tag,
        dockerfile=build.dockerfile,
        args={name: value for name, value in build.args.items() if value is not None},
        target=build.target,
    )
