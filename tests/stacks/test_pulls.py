"""Stacks whose images come from a registry."""

import io
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.busybox import plant_busybox
from tests.registry import FakeRegistry, Made, archive, fake_registry, file, made_image
from tests.stacks.product import Windlass

Project = Callable[..., Windlass]


@pytest.fixture(scope="module")
def busybox_layer() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        plant_busybox(Path(directory))
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w") as tar:
            tar.add(directory, arcname=".")
        return written.getvalue()


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as made:
        yield made


def greeting(busybox_layer: bytes, text: str) -> Made:
    return made_image(busybox_layer, archive(file("greeting", text.encode())), config={"Cmd": ["cat", "/greeting"]})


def test_up_pulls_what_is_missing_and_runs_it(project: Project, registry: FakeRegistry, busybox_layer: bytes) -> None:
    name = registry.add("shop/hello:1", greeting(busybox_layer, "pulled well\n"))
    windlass = project(f"services:\n  hello:\n    image: {name}\n")

    told = windlass("up", "-d").stderr

    assert f"Image {name}  Pulling" in told
    assert f"Image {name}  Pulled" in told
    windlass("wait", "hello", status=None)
    assert "pulled well" in windlass("logs").stdout
    windlass("down")
    asked = len(registry.asked)
    windlass("up", "-d")
    assert len(registry.asked) == asked
