"""The one call that builds an image."""

from collections.abc import Callable

from engine.dockerfiles.bases import Pull
from engine.dockerfiles.builder import build_image
from engine.dockerfiles.requests import BuildRequest
from engine.dockerfiles.runs import BuildStack
from engine.images.model import Image
from engine.images.store import ImageStore
from engine.layout import Layout

__all__ = ["BuildRequest", "build"]


def build(
    request: BuildRequest,
    *,
    store: ImageStore,
    layout: Layout,
    pull: Pull,
    on_progress: Callable[[str], None],
) -> Image:
    """Builds an image and names it; its commands run in containers of a stack of its own, which is gone afterwards.

    `on_progress` is given lines to show: steps with the reason why they are done, and indented output. BuildError
    names file and line. `pull` gets base images that are not here.
    """
    runner = BuildStack(layout)
    try:
        return build_image(request, store=store, runner=runner, pull=pull, on_progress=on_progress)
    finally:
        runner.close()
