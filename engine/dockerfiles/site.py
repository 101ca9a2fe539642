"""What the steps of one build share."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from engine.dockerfiles.contexts import opened_context
from engine.dockerfiles.ledger import Ledger
from engine.dockerfiles.requests import BuildRequest
from engine.dockerfiles.running import Runner
from engine.dockerfiles.settings import Given
from engine.dockerfiles.sources import Root, Source
from engine.dockerfiles.stages import Names, Origin
from engine.dockerfiles.staleness import Seen, seen
from engine.dockerfiles.workshop import Workshop
from engine.images.model import HistoryEntry, Image, ImageConfig
from engine.images.store import ImageStore
from engine.syscalls import Resolve


class StageResult(NamedTuple):
    """What a stage begins with, or has come to."""

    config: ImageConfig
    layers: tuple[str, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    created_ns: int = 0


class Notes:
    """Which files of its context a build copies, to tell later whether the image is stale."""

    def __init__(self, before: Mapping[str, Seen]) -> None:
        self.before = before
        self.sources: dict[str, None] = {}
        self.files: dict[str, Seen] = {}
        self._lock = threading.Lock()

    def take(self, written: str, sources: tuple[Source, ...], content: Mapping[str, str]) -> None:
        """Notes what a source stood for, with the files' digests."""
        with self._lock:
            self.sources[written] = None
            self.files |= seen(sources, content)


class BuildSite(NamedTuple):
    """A build under way. `context` is what it copies from; `stage` waits for a stage's result, `image` gets one."""

    request: BuildRequest
    file: str
    names: Names
    given: Given
    unrecorded: Mapping[str, str]
    store: ImageStore
    workshop: Workshop
    ledger: Ledger
    runner: Runner
    context: Root
    notes: Notes
    stage: Callable[[int], StageResult]
    image: Callable[[str], Image]

    def ground(self, origin: Origin) -> StageResult:
        """What an origin has: a stage's result, once it is there, or an image's layers."""
        if origin.stage is not None:
            return self.stage(origin.stage)
        if not origin.image:
            return StageResult(ImageConfig())
        image = self.image(origin.image)
        return StageResult(image.config, image.layers, image.history, image.created_ns)

    @contextmanager
    def opened(self, origin: Origin | None, title: str) -> Iterator[Root]:
        """Where files of an origin are copied from; None is the build's context."""
        if origin is None:
            yield self.context
        elif origin.context:
            directory = self.request.contexts[origin.context].directory
            if directory is None:
                raise AssertionError(f"the context {origin.context} is no directory")
            with opened_context(directory, "", title) as root:
                yield root
        else:
            with self.workshop.looking_at(self.ground(origin).layers) as view:
                yield Root(view, title, Resolve.IN_ROOT | Resolve.NO_MAGICLINKS, own_ids=True)
