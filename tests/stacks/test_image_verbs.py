"""What is in the image store, and what goes from it."""

import json
from collections.abc import Callable, Iterator

import pytest

from engine.layout import Layout
from tests.stacks.images import own_images
from tests.stacks.product import Windlass

SLEEPER = """
services:
  web: {build: ., stop_signal: SIGKILL, command: [sleep, '1000'], deploy: {update_config: {order: stop-first}}}
"""


@pytest.fixture
def roots(roots: Layout) -> Iterator[Layout]:
    yield from own_images(roots)


def _listed(boat: Windlass, *arguments: str) -> dict[str, str]:
    """Ids by name, of all images that are here."""
    lines = boat("image", "ls", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", *arguments).stdout.splitlines()
    return dict(line.split(" ") for line in lines)


def _version(boat: Windlass, content: str) -> None:
    (boat.directory / "Dockerfile").write_text(f"FROM localhost/bb:1\nRUN echo {content} > /version\nUSER 1\n")


def test_images_are_listed_named_described_and_removed(project: Callable[..., Windlass]) -> None:
    boat = project(SLEEPER)
    _version(boat, "one")
    boat("build")
    boat("tag", "boat-web", "shop/web:1")
    listed = _listed(boat)
    assert set(listed) == {"localhost/bb:1", "boat-web:latest", "shop/web:1"}
    assert listed["boat-web:latest"] == listed["shop/web:1"]
    first = boat("image", "ls", "shop/*", "--format", "json").stdout
    assert json.loads(first)["UniqueSize"] == "4B"
    assert boat("image", "ls").stdout.startswith("REPOSITORY")

    steps = [json.loads(line) for line in boat("history", "boat-web", "--format", "json").stdout.splitlines()]
    assert [(step["CreatedBy"], step["Size"]) for step in steps[:2]] == [
        ("USER 1", "0B"),
        ("RUN echo one > /version", "4B"),
    ]
    assert boat("image", "history", "-q", "shop/web:1").stdout.splitlines()[0] == listed["shop/web:1"]

    assert boat("rmi", "shop/web:1").stdout == "Untagged: shop/web:1\n"
    gone = boat("rmi", "boat-web").stdout.splitlines()
    assert gone[0] == "Untagged: boat-web:latest"
    assert gone[1].startswith(f"Deleted: sha256:{listed['shop/web:1']}")
    assert set(_listed(boat)) == {"localhost/bb:1"}
    missing = boat("rmi", "localhost/bb:2", status=1).stderr
    assert "image localhost/bb:2 is not here" in missing
    assert "hint: did you mean 'localhost/bb:1'?" in missing


def test_an_image_stays_as_long_as_a_container_or_a_rollback_needs_it(project: Callable[..., Windlass]) -> None:
    boat = project(SLEEPER)
    _version(boat, "one")
    boat("up", "-d")
    first = _listed(boat)["boat-web:latest"]
    refused = boat("rmi", "boat-web", status=1).stderr
    assert "image boat-web:latest is in use: boat-web-1 (stack boat) was made from it" in refused

    _version(boat, "two")
    boat("up", "-d", "--build")
    assert boat("image", "prune", "-f").stdout == "Total reclaimed space: 0B\n"
    assert boat("image", "prune", status=0).stdout == ""
    boat("rollback")
    assert boat("exec", "-T", "web", "cat", "/version").stdout == "one\n"
    assert boat("images", "--format", "{{.ID}}").stdout.startswith(f"sha256:{first}")
    boat("down", "--rmi", "local", "-t", "1")
    assert set(_listed(boat)) == {"localhost/bb:1", "<none>:<none>"}
    assert f"deleted: sha256:{first}" in boat("image", "prune", "-f").stdout
    assert set(_listed(boat)) == {"localhost/bb:1"}

    # What builds have kept stays: nothing is done twice.
    _version(boat, "one")
    assert "(cached)" in boat("--progress", "plain", "build").stderr


def test_prune_takes_names_that_no_container_needs_if_asked_to(project: Callable[..., Windlass]) -> None:
    boat = project("services: {web: {image: kept:1, stop_signal: SIGKILL, command: [sleep, '1000']}}\n")
    for name in ("kept:1", "gone:1", "gone:2"):
        boat("tag", "localhost/bb:1", name)
    boat("up", "-d")
    assert "untagged" not in boat("image", "prune", "-a", "-f", "--filter", "until=1970-01-01").stdout
    assert "Total reclaimed space: 0B" in boat("image", "prune", "-a", "-f").stdout
    boat("down", "-t", "0")
    assert "untagged: gone:1" in boat("image", "prune", "-a", "-f").stdout
    assert _listed(boat) == {}


def test_what_everything_takes_on_the_disk_is_told(project: Callable[..., Windlass]) -> None:
    boat = project(
        "services: {web: {build: ., stop_signal: SIGKILL, command: [sleep, '1000'], volumes: ['data:/srv']}}\n"
        "volumes: {data: {}}\n"
    )
    _version(boat, "one")
    boat("up", "-d")
    boat(
        "exec",
        "-T",
        "-u",
        "0",
        "web",
        "sh",
        "-c",
        "dd if=/dev/zero of=/srv/x bs=1M count=3; dd if=/dev/zero of=/x bs=1M count=2",
    )
    totals = {each["Type"]: each for each in map(json.loads, boat("df", "--format", "json").stdout.splitlines())}
    assert (totals["Images"]["TotalCount"], totals["Images"]["Active"]) == ("2", "1")
    assert totals["Images"]["Reclaimable"] == "0B (0%)"
    assert totals["Containers"]["Size"].startswith("2.")
    assert totals["Local Volumes"]["Size"].startswith("3.")
    assert totals["Build Cache"]["Size"] == "0B"
    assert "boat-web:latest" in boat("system", "df", "-v").stdout
    boat("down", "--rmi", "all")
    totals = {each["Type"]: each for each in map(json.loads, boat("df", "--format", "json").stdout.splitlines())}
    assert totals["Build Cache"]["Size"] == "4B"
    assert totals["Local Volumes"]["Reclaimable"].endswith("(100%)")
    assert boat("builder", "prune", "-f").stdout == "Total:\t4B\n"
    boat("down", "-v")
