"""Images go out as archives and come in again."""

import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.layout import Layout
from tests.stacks.images import own_images
from tests.stacks.product import Windlass

FILE = "services: {web: {build: ., stop_signal: SIGKILL, command: [sleep, '1000']}}\n"
DOCKERFILE = """\
FROM localhost/bb:1
RUN echo one > /one && chown 5:6 /one && ln /one /uno && chmod 4755 /bin/busybox
RUN rm /etc/group && mkdir -p /srv/deep && ln -s deep /srv/link
ENV GREETING=hello
CMD ["sh", "-c", "echo $GREETING"]
"""


@pytest.fixture
def roots(roots: Layout) -> Iterator[Layout]:
    yield from own_images(roots)


@pytest.fixture
def boat(project: Callable[[str], Windlass]) -> Windlass:
    boat = project(FILE)
    (boat.directory / "Dockerfile").write_text(DOCKERFILE)
    boat("build")
    boat("tag", "boat-web", "shop/web:1")
    return boat


def _ids(boat: Windlass) -> dict[str, str]:
    lines = boat("image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").stdout.splitlines()
    return dict(line.split(" ") for line in lines)


def _forget(boat: Windlass) -> None:
    """Removes every image with everything that builds have kept."""
    boat("image", "prune", "-a", "-f")
    boat("builder", "prune", "-a", "-f")
    assert _ids(boat) == {}
    assert list(Path(boat.roots.images, "layers").iterdir()) == []


@pytest.mark.parametrize(("form", "packing"), [("docker-archive", ""), ("oci-archive", "gzip")])
def test_images_come_back_from_an_archive_as_they_were(boat: Windlass, form: str, packing: str) -> None:
    before = _ids(boat)
    boat("save", "boat-web", "shop/web:1", "localhost/bb:1", "--format", form, "-o", "all.tar")
    with tarfile.open(boat.directory / "all.tar") as archive:
        names = archive.getnames()
    assert ("manifest.json" in names) == (form == "docker-archive")
    assert {"index.json", "oci-layout", "blobs/sha256"} <= set(names)
    archive_file = "all.tar"
    if packing:
        archive_file = "all.packed"
        with (boat.directory / archive_file).open("wb") as packed:
            subprocess.run([packing, "-c", boat.directory / "all.tar"], stdout=packed, check=True)
    _forget(boat)

    loaded = boat("load", "-i", archive_file)
    assert sorted(loaded.stdout.splitlines()) == [
        "Loaded image: boat-web:latest",
        "Loaded image: localhost/bb:1",
        "Loaded image: shop/web:1",
    ]
    assert _ids(boat) == before
    assert "Loading layer" not in boat("load", "-i", archive_file).stderr
    boat("up", "-d")
    assert boat("exec", "-T", "web", "sh", "-c", "stat -c %u:%g:%h /uno; ls /srv /etc; echo $GREETING").stdout == (
        "5:6:2\n/etc:\nhostname\nhosts\npasswd\nresolv.conf\n\n/srv:\ndeep\nlink\nhello\n"
    )
    boat("save", "boat-web", "shop/web:1", "localhost/bb:1", "--format", form, "-o", "again.tar")
    assert (boat.directory / "again.tar").read_bytes() == (boat.directory / "all.tar").read_bytes()


def test_an_archive_passes_through_a_pipe(boat: Windlass) -> None:
    before = _ids(boat)
    boat("save", "shop/web:1", "-o", "file.tar")
    with boat.start("save", "shop/web:1", stdout=subprocess.PIPE) as saving:
        assert saving.stdout is not None
        piped = saving.stdout.buffer.read()
        assert saving.wait(timeout=60) == 0
    assert piped == (boat.directory / "file.tar").read_bytes()
    _forget(boat)
    with (boat.directory / "file.tar").open("rb") as file:
        feeder = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
        with feeder, boat.start("load", "-q", stdin=feeder.stdout, stdout=subprocess.PIPE) as loading:
            assert loading.communicate(timeout=60)[0] == "Loaded image: shop/web:1\n"
    assert _ids(boat) == {"shop/web:1": before["shop/web:1"]}


def test_what_was_exported_is_imported_as_an_image_with_its_own_settings(boat: Windlass) -> None:
    boat("up", "-d")
    boat("exec", "-T", "web", "sh", "-c", "echo two > /two")
    boat("export", "web", "-o", "files.tar")
    imported = boat("import", "files.tar", "flat:1", "-c", "ENV PATH=/bin", "-m", "all in one", "-c", "CMD sh").stdout
    step = json.loads(boat("history", "flat:1", "--no-trunc", "--format", "json").stdout)
    assert (step["ID"], step["Comment"]) == (imported.strip(), "all in one")
    (boat.directory / "compose.yaml").write_text(FILE.replace("build: .", "image: flat:1"))
    boat("up", "-d")
    assert boat("exec", "-T", "web", "sh", "-c", "cat /one /two; stat -c %u:%h /one").stdout == "one\ntwo\n5:2\n"
    assert boat("diff", "boat-web", "flat:1").stdout == "A /two  (4B)\n"


def test_what_is_no_archive_of_images_is_told_and_leaves_nothing(boat: Windlass) -> None:
    before = _ids(boat)
    (boat.directory / "text").write_text("no archive at all")
    assert "this is no tar archive" in boat("load", "-i", "text", status=1).stderr
    with tarfile.open(boat.directory / "files.tar", "w") as archive:
        archive.add(boat.directory / "text", "text")
    refused = boat("load", "-i", "files.tar", status=1).stderr
    assert "it has neither a manifest.json nor an index.json" in refused
    assert "windlass import makes an image of an archive of files" in refused
    assert "cannot open nowhere.tar" in boat("load", "-i", "nowhere.tar", status=1).stderr
    assert "image nowhere is not here" in boat("save", "nowhere", "-o", "x.tar", status=1).stderr
    assert not (boat.directory / "x.tar").exists()

    boat("save", "shop/web:1", "-o", "web.tar")
    whole = (boat.directory / "web.tar").read_bytes()
    (boat.directory / "half.tar").write_bytes(whole[: len(whole) // 2])
    _forget(boat)
    assert "the archive ends in the middle of an entry" in boat("load", "-i", "half.tar", status=1).stderr
    assert _ids(boat) == {}
    assert before
