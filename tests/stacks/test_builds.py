"""Images that services build, through the command line."""

import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.images.store import ImageStore
from tests.stacks.product import Windlass

FILE = """\
services:
  web:
    build:
      context: .
      dockerfile_inline: |
        ARG WHO=nobody
        FROM ground AS base
        ARG WHO
        COPY --from=files f /from-directory
        RUN --mount=type=secret,id=token,env=TOKEN test "$$TOKEN" = hidden && echo "made for $$WHO"
        RUN --network=none ls /sys/class/net
        RUN grep named /etc/hosts && ulimit -n
        FROM base AS last
        LABEL own=1
      args: {WHO: you}
      target: base
      additional_contexts: {ground: "service:ground", files: ./files}
      secrets: [{source: key, target: token}]
      extra_hosts: ["named:192.0.2.9"]
      ulimits: {nofile: 77}
      labels: {colour: blue}
      tags: ["localhost/boat-web:2"]
    command: [cat, /from-directory, /ground]
  ground:
    build: {context: ground, network: none}
secrets: {key: {environment: KEY}}
"""


@pytest.fixture(autouse=True)
def images_gone(shared_images: Path) -> Iterator[None]:
    """The stacks of other tests build images of the same names, if these are not there."""
    yield
    store = ImageStore(shared_images, shared_images.parent / "cache")
    for name in ("boat-web", "boat-ground", "localhost/boat-web:2"):
        store.untag(name)


def boat_with(project: Callable[..., Windlass], file: str = FILE, **variables: str) -> Windlass:
    boat = project(file, KEY="hidden", **variables)
    for name, content in (("files/f", "one\n"), ("ground/f", "ground\n")):
        (boat.directory / name).parent.mkdir(exist_ok=True)
        (boat.directory / name).write_text(content)
    (boat.directory / "ground" / "Dockerfile").write_text("FROM localhost/bb:1\nCOPY f /ground\n")
    return boat


def test_a_service_is_built_as_its_keys_say_on_the_image_of_another_one(project: Callable[..., Windlass]) -> None:
    boat = boat_with(project)
    told = boat("--progress", "plain", "build", "web").stderr

    for line in ("    made for you", "    lo", "    192.0.2.9\tnamed", "    77"):
        assert line in told.splitlines()
    assert "eth0" not in told
    assert told.index("Image boat-ground  Built") < told.index("Image boat-web  Building")
    done = boat("run", "--rm", "web")
    assert done.stdout.replace("\r", "") == "one\nground\n"
    assert "localhost/boat-web" in boat("image", "ls").stdout

    (boat.directory / "ground" / "f").write_text("other\n")
    again = boat("--progress", "plain", "build", "web").stderr
    assert "COPY f /ground (f changed)" in again
    assert "(what it builds on changed)" in again


def test_flags_of_build_win_over_the_file(project: Callable[..., Windlass]) -> None:
    boat = boat_with(project)
    boat("build", "-q")
    told = boat("--progress", "plain", "build", "--build-arg", "WHO=me", "web").stderr
    assert "(argument WHO changed)" in told
    assert "    made for me" in told.splitlines()
    assert boat("build", "-q", "--no-cache", "web").stderr == ""
    refused = boat("build", "--builder", "cloud", status=1).stderr
    assert refused.startswith("--builder can only be default")


def test_a_build_can_be_checked_and_printed_without_building(project: Callable[..., Windlass]) -> None:
    boat = boat_with(project)
    assert "web: nothing is wrong with its Dockerfile" in boat("build", "--check", "web").stderr
    printed = json.loads(boat("build", "--print", "web").stdout)
    assert printed["group"]["default"]["targets"] == ["web"]
    assert printed["target"]["web"]["contexts"] == {"ground": "target:ground", "files": f"{boat.directory}/files"}
    assert printed["target"]["web"]["secret"] == ["id=token,type=env,env=KEY"]
    (boat.directory / "ground" / "Dockerfile").write_text("FROM localhost/bb:1\nCPOY f /ground\nRUN --mount=x true\n")
    told = boat("build", "--check", "ground", status=1).stderr
    assert "Dockerfile:2: unknown instruction 'CPOY'" in told
    assert "Dockerfile:3: RUN --mount: 'x' is no key with a value" in told


def test_a_date_gives_two_builds_the_same_image(project: Callable[..., Windlass]) -> None:
    file = """\
        services:
          web:
            build:
              context: .
              dockerfile_inline: |
                FROM localhost/bb:1
                WORKDIR /app
                COPY files .
                RUN date > now; rm now; echo a > b; mkdir c
        """
    boat = boat_with(project, textwrap.dedent(file), SOURCE_DATE_EPOCH="1000000000")
    boat("build", "-q")

    def image_id() -> str:
        rows = (line.split() for line in boat("image", "ls", "--no-trunc").stdout.splitlines())
        return next(row[2] for row in rows if row[0] == "boat-web")

    first = image_id()
    (boat.directory / "files" / "f").touch()
    boat("build", "-q", "--no-cache")

    assert image_id() == first


def test_what_a_build_cannot_do_is_told_with_its_place(project: Callable[..., Windlass]) -> None:
    file = """\
        services:
          web:
            build:
              context: https://example.test/repo.git
              additional_contexts: {other: "https://example.test/x.tar"}
              network: mine
              platforms: [linux/s390x]
              entitlements: [device]
              cache_from: [x]
        """
    told = boat_with(project, textwrap.dedent(file))("build", status=1).stderr

    for part in (
        "compose.yaml:4:16: services.web.build.context is an address",
        "compose.yaml:5:36: services.web.build.additional_contexts.other is an address",
        "compose.yaml:6:16: services.web.build.network cannot be 'mine'",
        "compose.yaml:7:19: services.web.build.platforms: an image for linux/s390x cannot be built here",
        "compose.yaml:8:22: services.web.build.entitlements: there is none called 'device'",
        "services.web.build.cache_from has no effect: builds take their steps from this host's own cache",
    ):
        assert part in told
