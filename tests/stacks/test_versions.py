"""Images as versions of an application: change it, look at what changed, keep it, go on with it, go back."""

import json
import tarfile
from collections.abc import Callable, Iterator

import pytest

from engine.layout import Layout
from tests.stacks.images import own_images
from tests.stacks.product import Windlass

FILE = """
services:
  web:
    image: ${IMAGE:-localhost/bb:1}
    stop_signal: SIGKILL
    command: [sleep, '1000']
    volumes: [data:/srv/data, ./compose.yaml:/etc/app/compose.yaml]
    configs: [greeting]
    tmpfs: /cache
volumes: {data: {}}
configs: {greeting: {content: hello}}
"""


@pytest.fixture
def roots(roots: Layout) -> Iterator[Layout]:
    yield from own_images(roots)


def _in(boat: Windlass, script: str) -> str:
    return boat("exec", "-T", "web", "sh", "-c", script).stdout


def test_a_container_becomes_a_version_that_up_goes_on_with_and_goes_back_from(
    project: Callable[..., Windlass],
) -> None:
    boat = project(FILE)
    boat("up", "-d")
    assert boat("diff", "web").stdout == ""

    _in(
        boat, "echo v2 > /version; rm -r /root; mkdir /root; chmod 600 /etc/group; ln /version /srv/version; rmdir /tmp"
    )
    _in(boat, "echo kept > /srv/data/file; chown 5:6 /version; mkdir -p /srv/new; echo x > /srv/new/x")
    assert boat("diff", "web").stdout.splitlines() == [
        "C /etc",
        "C /etc/group",
        "C /root",
        "A /srv",
        "A /srv/new",
        "A /srv/new/x",
        "A /srv/version",
        "D /tmp",
        "A /version",
    ]
    pid = boat.pids()["boat-web-1"]
    committed = boat(
        "commit", "web", "shop/web:2", "-a", "Ada <ada@example.com>", "-m", "the second version", "-c", "ENV VERSION=2"
    )
    image_id = committed.stdout.strip()
    assert "Container boat-web-1 committed as shop/web:2" in committed.stderr
    assert boat.pids()["boat-web-1"] == pid
    assert boat.ps()["boat-web-1"]["State"] == "running"

    step = json.loads(boat("history", "shop/web:2", "--format", "json", "--no-trunc").stdout.splitlines()[0])
    assert step["ID"] == image_id
    assert (step["Author"], step["Comment"]) == ("Ada <ada@example.com>", "the second version")
    assert step["CreatedBy"] == "sleep 1000"
    compared = boat("diff", "localhost/bb:1", "shop/web:2").stdout
    assert "C /etc/group  (mode 0644 -> 0600)" in compared
    assert "A /version  (3B)" in compared
    assert "compose.yaml" not in compared
    assert "/cache" not in compared

    boat.environment["IMAGE"] = "shop/web:2"
    assert "image changed" in boat("plan").stdout
    boat("up", "-d")
    assert _in(boat, "cat /version; echo $VERSION; cat /srv/data/file; stat -c %u:%g:%h /version; ls /") == (
        "v2\n2\nkept\n5:6:2\nbin\ncache\ndev\netc\ngreeting\nproc\nroot\nsrv\nsys\nversion\n"
    )
    assert boat("diff", "web").stdout == ""

    # A version of a version, then back to the one before by its name.
    _in(boat, "echo v3 > /version")
    boat("commit", "web", "shop/web:3", "--pause=false")
    boat("tag", "shop/web:2", "shop/web:stable")
    boat.environment["IMAGE"] = "shop/web:3"
    boat("up", "-d")
    assert _in(boat, "cat /version") == "v3\n"
    boat("tag", "shop/web:2", "shop/web:3")
    boat("up", "-d")
    assert _in(boat, "cat /version") == "v2\n"
    boat("down", "-v", "--rmi", "all")
    assert "shop/web:3" not in boat("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").stdout


def test_a_container_without_changes_becomes_an_image_with_other_settings(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("create")
    boat("commit", "web", "shop/empty", "-c", 'CMD ["true"]')
    first = json.loads(boat("history", "shop/empty", "--format", "json").stdout.splitlines()[0])
    assert (first["Size"], first["Layer"]) == ("0B", "")
    assert boat("diff", "localhost/bb:1", "shop/empty").stdout == ""
    refused = boat("commit", "web", "-c", "RUN rm -rf /", status=1).stderr
    assert "only settings can be changed so" in refused
    assert "no such service: wbe" in boat("commit", "wbe", status=1).stderr
    assert "it is not here" not in boat("diff", "localhost/bb:1", "shop/emtpy", status=1).stderr


def test_a_container_is_exported_with_the_files_and_ids_that_it_sees(project: Callable[..., Windlass]) -> None:
    boat = project(FILE)
    boat("up", "-d")
    _in(boat, "echo v2 > /version; chown 5:6 /version; ln /version /also; rm /etc/group; ln -s /version /link")
    target = boat.directory / "web.tar"
    boat("export", "web", "-o", str(target))
    with tarfile.open(target) as archive:
        members = {member.name: member for member in archive}
    assert (members["version"].uid, members["version"].gid) == (5, 6) or members["also"].uid == 5
    assert members["version"].linkname == "also"
    assert members["link"].linkname == "/version"
    assert members["bin/busybox"].size > 100_000
    assert "etc/group" not in members
    assert not [name for name in members if name.startswith(("srv", "cache", "etc/app", "greeting"))]

    boat("stop")
    with (boat.directory / "again.tar").open("wb") as again, boat.start("export", "web", stdout=again) as process:
        assert process.wait(timeout=60) == 0
    assert (boat.directory / "again.tar").read_bytes() == target.read_bytes()
