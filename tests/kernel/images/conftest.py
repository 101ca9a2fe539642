"""Builds on a busybox image, with the real supervisor."""

import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.dockerfiles.build import build
from engine.dockerfiles.requests import BuildRequest
from engine.errors import ImageError
from engine.images.model import Image
from engine.images.store import ImageStore
from engine.layout import Layout
from tests.busybox import ensure_busybox


def no_registry(_store: ImageStore, name: str, _on_line: Callable[[str], None]) -> Image:
    raise ImageError(f"there is no registry for {name}")


class Builder:
    """Builds what stands in a context directory, and looks at what came out."""

    def __init__(self, layout: Layout, context: Path) -> None:
        self.layout = layout
        self.context = context
        self.store = ImageStore(layout.images, layout.cache)
        self.lines: list[str] = []
        self.on_progress: Callable[[str], None] = self.lines.append
        ensure_busybox(self.store)

    def write(self, name: str, content: str = "", mode: int = 0o644) -> Path:
        path = self.context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(mode)
        return path

    def build(
        self,
        dockerfile: str,
        *,
        target: str = "",
        no_cache: bool = False,
        args: dict[str, str] | None = None,
        **more: Any,
    ) -> Image:
        self.write("Dockerfile", textwrap.dedent(dockerfile))
        self.lines.clear()
        request = BuildRequest(self.context, "built", args=args or {}, target=target, no_cache=no_cache, **more)
        return build(request, store=self.store, layout=self.layout, pull=no_registry, on_progress=self.on_progress)

    @property
    def steps(self) -> list[str]:
        """The last build's steps with their reasons."""
        return [line for line in self.lines if line.startswith("[")]

    @property
    def output(self) -> list[str]:
        """What the last build's commands said."""
        return [line.strip() for line in self.lines if line.startswith(" ")]

    def find(self, image: Image, path: str) -> Path:
        """A file of the image: where its topmost layer has it."""
        for directory in reversed(self.store.layer_directories(image)):
            if os.path.lexists(directory / path):
                return directory / path
        raise FileNotFoundError(path)


@pytest.fixture
def builder(roots: Layout, tmp_path: Path) -> Builder:
    return Builder(roots, tmp_path)
