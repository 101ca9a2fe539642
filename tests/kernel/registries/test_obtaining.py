"""How builds come to the images that they begin with."""

import pytest

from compose.doing.pulling import obtain
from engine.errors import ImageError
from tests.kernel.registries.conftest import Puller
from tests.registry import FakeRegistry, archive, file, made_image


def test_an_image_that_is_not_here_is_pulled_once(puller: Puller, registry: FakeRegistry) -> None:
    name = registry.add("a/b:1", made_image(archive(file("x"))))
    lines: list[str] = []
    image = obtain(puller.store, name, {}, lines.append)
    assert puller.store.find(name) == image
    assert lines[0] == f"pulling {name}"
    assert lines[-1].endswith(": pull complete")
    registry.asked.clear()
    assert obtain(puller.store, name, {}, lines.append) == image
    assert not registry.asked


def test_a_refresh_takes_what_the_registry_has_now(puller: Puller, registry: FakeRegistry) -> None:
    name = registry.add("a/b:1", made_image(archive(file("x"))))
    old = obtain(puller.store, name, {}, lambda _line: None)
    registry.add("a/b:1", made_image(archive(file("y"))))
    assert obtain(puller.store, name, {}, lambda _line: None) == old
    assert obtain(puller.store, name, {}, lambda _line: None, refresh=True) != old


def test_what_no_registry_has_is_told_by_its_name(puller: Puller, registry: FakeRegistry) -> None:
    with pytest.raises(ImageError, match=f"cannot pull {registry.address}/a/b:1: .* does not have it"):
        obtain(puller.store, f"{registry.address}/a/b:1", {}, lambda _line: None)
