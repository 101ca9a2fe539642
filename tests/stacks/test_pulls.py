"""Stacks whose images come from a registry."""

import io
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.busybox import plant_busybox
from tests.docker_registry import docker_registry, push
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


def test_quiet_pull_says_nothing_of_it(project: Project, registry: FakeRegistry, busybox_layer: bytes) -> None:
    name = registry.add("shop/hushed:1", greeting(busybox_layer, "hush\n"))
    windlass = project(f"services:\n  hello:\n    image: {name}\n")

    told = windlass("up", "-d", "--quiet-pull").stderr

    assert "Pull" not in told
    assert "Layer" not in told
    assert "Container boat-hello-1  Start" in told


def test_up_pulls_what_is_mounted(project: Project, registry: FakeRegistry, busybox_layer: bytes) -> None:
    hello = registry.add("shop/hello:1", greeting(busybox_layer, "mine\n"))
    data = registry.add("shop/data:1", made_image(archive(file("text", b"mounted\n"))))
    windlass = project(
        f"services:\n  hello:\n    image: {hello}\n    command: [cat, /data/text]\n"
        f"    volumes:\n      - {{type: image, source: '{data}', target: /data}}\n"
    )
    assert f"pull    image      {data}" in windlass("plan").stdout
    assert f"Image {data}  Pulled" in windlass("up", "-d").stderr
    windlass("wait", "hello", status=None)
    assert "mounted" in windlass("logs").stdout
    assert f"Image {data}  Pulled" in windlass("pull").stderr
    windlass("down")


ME = "me:$2y$05$EhySq0eIjFcbhzablSRqeegGuFxGXuts0dRaO9Yp7f2ImxoIsoSCq\n"


@pytest.fixture(scope="module")
def private() -> Iterator[str]:
    """Debian's registry, for the user `me` with the password `pw`."""
    with docker_registry(ME) as address:
        yield address


def test_debians_registry_is_pulled_from(project: Project, busybox_layer: bytes) -> None:
    with docker_registry() as address:
        name = push(address, "shop/hello:1", greeting(busybox_layer, "from a real registry\n"))
        windlass = project(f"services:\n  hello:\n    image: {name}\n")
        windlass("up", "-d")
        windlass("wait", "hello", status=None)
        assert "from a real registry" in windlass("logs").stdout
        assert f"Image {name}  Pulled" in windlass("pull").stderr
        windlass("down")


def test_who_has_logged_in_may_pull(project: Project, private: str, busybox_layer: bytes, tmp_path: Path) -> None:
    name = push(private, "shop/secret:1", greeting(busybox_layer, "x\n"), user="me:pw")
    windlass = project(f"services:\n  hello:\n    image: {name}\n", DOCKER_CONFIG=str(tmp_path / "docker"))

    refused = windlass("pull", status=1).stderr
    assert f"the registry refuses access to {private}/shop/secret" in refused
    assert f"windlass login {private}" in refused
    assert "refuses access" in windlass("login", "-u", "me", "--password-stdin", private, text="wrong", status=1).stderr
    assert not (tmp_path / "docker").exists()
    assert "succeeded" in windlass("login", "-u", "me", "--password-stdin", private, text="pw\n").stderr
    windlass("pull")
    assert f"The credentials for {private} are gone." in windlass("logout", private).stderr
    windlass("pull", status=1)
    windlass("pull", "--policy", "missing")


def test_pull_leaves_out_what_is_made_here_and_may_fail_for_what_can_be_built(
    project: Project, registry: FakeRegistry, busybox_layer: bytes
) -> None:
    name = registry.add("shop/hello:1", greeting(busybox_layer, "x\n"))
    windlass = project(
        f"""
services:
  hello:
    image: {name}
    depends_on: [other]
  other:
    image: {registry.address}/shop/other:1
  built:
    image: {registry.address}/shop/built:1
    build: .
  quiet:
    image: {registry.address}/shop/quiet:1
    pull_policy: never
  local:
    build: .
"""
    )
    windlass("pull", "hello")
    assert "does not have it" in windlass("pull", "--include-deps", "hello", status=1).stderr
    windlass("pull", "--include-deps", "--ignore-pull-failures", "hello")
    assert "windlass build built builds it" in windlass("pull", "built").stderr
    told = windlass("pull", "--ignore-buildable", "built", "quiet", "local").stderr
    assert "Skipped  can be built" in told
    assert "Skipped  pull policy: never" in told
    assert "Skipped  is made here" in told
    assert windlass("pull", "-q", "hello").stderr == ""


def test_always_takes_the_new_image_and_makes_the_container_anew(
    project: Project, registry: FakeRegistry, busybox_layer: bytes
) -> None:
    name = registry.add("shop/hello:1", greeting(busybox_layer, "old\n"))
    windlass = project(
        f"services:\n  hello:\n    image: {name}\n    command: [sleep, '1000']\n    stop_signal: SIGKILL\n"
    )
    windlass("up", "-d")
    registry.add("shop/hello:1", greeting(busybox_layer, "new\n"))
    windlass("up", "-d")
    assert windlass("exec", "-T", "hello", "cat", "/greeting").stdout == "old\n"
    windlass("up", "-d", "--pull", "always")
    assert windlass("exec", "-T", "hello", "cat", "/greeting").stdout == "new\n"
    windlass("down")


def test_what_is_built_is_pushed_by_who_may_and_pulled_elsewhere(
    project: Project, private: str, tmp_path: Path
) -> None:
    windlass = project(
        f"""
services:
  app:
    build: .
    image: {private}/shop/app:1
    depends_on: [base]
  base:
    build: .
    image: {private}/shop/base:1
  nameless:
    build: .
  foreign:
    image: {private}/shop/foreign:1
""",
        DOCKER_CONFIG=str(tmp_path / "docker"),
    )
    (windlass.directory / "Dockerfile").write_text("FROM scratch\nCOPY compose.yaml /\n")
    assert "there is no such image here" in windlass("push", "app", status=1).stderr
    windlass("build", "app", "base")
    assert f"windlass login {private}" in windlass("push", "app", status=1).stderr
    windlass("login", "-u", "me", "--password-stdin", private, text="pw")
    told = windlass("push", "--include-deps", "app").stderr
    assert "Pushed" in told
    assert f"Image {private}/shop/app:1  Pushed  sha256:" in told
    assert f"Image {private}/shop/base:1  Pushed  sha256:" in told
    told = windlass("push", "--ignore-push-failures").stderr
    assert "Image nameless  Skipped  has no name: give the service an `image`" in told
    assert f"Image {private}/shop/foreign:1  Skipped  is not built here" in told
    assert windlass("push", "-q", f"{private}/shop/app:1").stderr == ""
    assert f"Image {private}/shop/app:1  Pulled" in windlass("pull", "app").stderr
