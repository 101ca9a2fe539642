"""Pulls images, several at once."""

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from compose.deciding.steps import MakeImage
from engine.errors import EngineError
from engine.images.model import Image
from engine.images.store import ImageStore
from engine.registries.credentials import credential_file
from engine.registries.hostsettings import read_settings
from engine.registries.proxies import read_proxies
from engine.registries.pulling import pull
from engine.registries.sidebyside import side_by_side
from engine.registries.terms import LayerNews, Way

IMAGES_AT_ONCE: Final = 3


def way_of(environment: Mapping[str, str]) -> Way:
    """How this user of this host pulls and pushes."""
    return Way(
        settings=read_settings(environment),
        credentials=credential_file(environment).find,
        proxies=read_proxies(environment),
    )


def pull_images(
    actions: Iterable[MakeImage],
    store: ImageStore,
    way: Way,
    *,
    on_step: Callable[[MakeImage, bool], None],
    on_layer: Callable[[LayerNews], None],
) -> dict[str, EngineError]:
    """Pulls images and returns the failures by name; the callbacks are called by one thread at a time.

    `on_step` is told of an image's begin (False) and of its good end (True).
    """
    lock = threading.Lock()
    failures: dict[str, EngineError] = {}

    def tell(news: LayerNews) -> None:
        with lock:
            on_layer(news)

    def work(action: MakeImage) -> None:
        with lock:
            on_step(action, False)
        try:
            pull(store, action.name, way, tell)
        except EngineError as error:
            failures[action.name] = error
            return
        with lock:
            on_step(action, True)

    side_by_side((partial(work, action) for action in actions), IMAGES_AT_ONCE)
    return failures


def obtain(
    store: ImageStore,
    name: str,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
    *,
    refresh: bool = False,
) -> Image:
    """The image of that name, from its registry if it is not here; with `refresh`, as its registry has it now.

    For builds: `on_line` is told what happens. ImageError says why the image cannot be had.
    """
    found = None if refresh else store.find(name)
    if found is not None:
        return found
    told: set[tuple[str, str]] = set()

    def tell(news: LayerNews) -> None:
        if (news.layer, news.word) not in told:
            told.add((news.layer, news.word))
            on_line(f"layer {news.layer}: {news.word.lower()}")

    on_line(f"pulling {name}")
    image, _ = pull(store, name, way_of(environment), tell)
    return image
