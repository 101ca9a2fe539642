"""A store of its own for every test, and a registry on loopback that lies when told to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.images.model import Image
from engine.images.store import ImageStore
from engine.registries.access import Credentials
from engine.registries.endpoints import Settings
from engine.registries.patience import Patience
from engine.registries.proxies import Proxies
from engine.registries.pulling import pull
from engine.registries.pushing import push
from engine.registries.terms import LayerNews, Way
from tests.registry import FakeRegistry, fake_registry


class Puller:
    """Pulls into a store of its own and remembers what was told, and how long it would have waited."""

    def __init__(self, root: Path) -> None:
        self.store = ImageStore(root / "images", root / "cache")
        self.news: list[LayerNews] = []
        self.pauses: list[float] = []
        self.credentials: dict[str, Credentials] = {}
        self.settings = Settings()
        self.proxies = Proxies()

    @property
    def way(self) -> Way:
        return Way(
            settings=self.settings,
            credentials=self.credentials.get,
            patience=Patience(3, self.pauses.append),
            timeout_seconds=5,
            proxies=self.proxies,
        )

    def __call__(self, name: str) -> Image:
        image, _ = pull(self.store, name, self.way, self.news.append)
        return image

    def push(self, name: str) -> str:
        """Pushes the image of that name; returns its manifest's digest."""
        return push(self.store, name, self.way, self.news.append).digest

    def is_clean(self) -> bool:
        """Whether nothing is visible, or left aside, of a pull that failed."""
        leftover = [path for path in (self.store.root / "tmp").glob("*") if path.name != ".lock"]
        return not self.store.list() and not leftover and not list((self.store.root / "layers").glob("*"))


@pytest.fixture
def puller(tmp_path: Path) -> Puller:
    return Puller(tmp_path)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as made:
        yield made


@pytest.fixture
def evil() -> Iterator[FakeRegistry]:
    with fake_registry() as made:
        yield made
