"""What pulls and pushes are given, and what they tell."""

from collections.abc import Callable
from typing import NamedTuple

from engine.images.places import DIGEST_PREFIX
from engine.registries.access import Credentials
from engine.registries.endpoints import Settings
from engine.registries.patience import Patience
from engine.registries.proxies import Proxies


class LayerNews(NamedTuple):
    """What happens to a layer; `layer` is its short digest. While it moves, how many of how many bytes are there."""

    layer: str
    word: str
    bytes_here: int = 0
    bytes_all: int = 0
    over: bool = False


class Way(NamedTuple):
    """What is needed besides an image's name; `credentials` finds those for a registry."""

    settings: Settings = Settings()
    credentials: Callable[[str], Credentials | None] = lambda _registry: None
    patience: Patience = Patience()
    timeout_seconds: float = 30.0
    proxies: Proxies = Proxies()


def short(digest: str) -> str:
    """A digest as people are shown it."""
    return digest.removeprefix(DIGEST_PREFIX)[:12]
