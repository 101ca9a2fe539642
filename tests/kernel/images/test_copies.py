"""What COPY and ADD make of their flags, and of addresses."""

import hashlib
import http.server
import io
import os
import stat
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from engine.errors import BuildError
from tests.kernel.images.conftest import Builder

pytestmark = pytest.mark.root


def below(path: Path) -> list[str]:
    return sorted(str(found.relative_to(path)) for found in path.rglob("*") if not found.is_dir())


def test_linked_copies_stay_when_what_they_are_put_upon_changes(builder: Builder) -> None:
    builder.write("f", "content")
    text = (
        "FROM localhost/bb:1\nRUN echo {} > /x\nCOPY --link --chown=5:6 --chmod=640 f /to/there/\nRUN cat /to/there/f\n"
    )
    first = builder.build(text.format("one"))
    second = builder.build(text.format("two"))

    assert builder.steps[1] == "[2/3] COPY --link --chown=5:6 --chmod=640 f /to/there/ (cached)"
    assert first.layers[-1] == second.layers[-1]
    copied = builder.find(second, "to/there/f").stat()
    assert (copied.st_uid, copied.st_gid, stat.S_IMODE(copied.st_mode)) == (5, 6, 0o640)


def test_parents_are_kept_with_their_modes_from_the_pivot_on(builder: Builder) -> None:
    for name in ("x/a.txt", "y/deep/b.txt", "y/deep/c.md", "z/w/d.txt"):
        builder.write(name, name)
    (builder.context / "y").chmod(0o750)
    image = builder.build(
        """\
        FROM scratch
        COPY --parents x/a.txt y/deep/ /one/
        COPY --parents y/./deep/*.txt /two
        COPY --parents **/*.txt /three/
        COPY --parents ./z/./w/d.txt /four/
        """
    )

    assert below(builder.find(image, "one")) == ["x/a.txt", "y/deep/b.txt", "y/deep/c.md"]
    assert stat.S_IMODE(builder.find(image, "one/y").stat().st_mode) == 0o750
    assert below(builder.find(image, "two")) == ["deep/b.txt"]
    assert below(builder.find(image, "three")) == ["x/a.txt", "y/deep/b.txt", "z/w/d.txt"]
    assert below(builder.find(image, "four")) == ["w/d.txt"]


def test_what_is_excluded_is_left_out(builder: Builder) -> None:
    for name in ("src/a.py", "src/a.pyc", "src/sub/b.pyc", "src/sub/c.py", "top.md", "top.txt"):
        builder.write(name, name)
    image = builder.build(
        """\
        FROM scratch
        COPY --exclude=**/*.pyc src /one/
        COPY --exclude=sub src /two/
        COPY --exclude=*.md top.* /three/
        """
    )

    assert below(builder.find(image, "one")) == ["a.py", "sub/c.py"]
    assert below(builder.find(image, "two")) == ["a.py", "a.pyc"]
    assert below(builder.find(image, "three")) == ["top.txt"]


def test_modes_may_be_changed_by_letters(builder: Builder) -> None:
    builder.write("d/run", mode=0o755)
    builder.write("d/data", mode=0o600)
    image = builder.build("FROM scratch\nCOPY --chmod=go-x,a+rX d /d/\n")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in builder.find(image, "d").iterdir()}
    assert modes == {"run": 0o744 | 0o011, "data": 0o644}


class Web(http.server.BaseHTTPRequestHandler):
    """Serves /dir/name with the content "fetched", by a tag."""

    asked: list[str]

    def do_GET(self) -> None:
        mark = self.headers.get("If-None-Match", "")
        self.asked.append(f"{self.path} {mark}".strip())
        if self.path == "/lost":
            self.send_error(404)
            return
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/dir/name.txt")
            self.end_headers()
            return
        self.send_response(304 if mark == '"1"' else 200)
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        if mark != '"1"':
            self.send_header("Content-Length", "7")
        self.end_headers()
        if mark != '"1"':
            self.wfile.write(b"fetched")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    Web.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_addresses_are_fetched_and_asked_again_by_their_tag(builder: Builder, web: str) -> None:
    text = f"FROM scratch\nADD {web}/dir/name.txt /to/\nADD --chmod=644 {web}/elsewhere /as\n"
    image = builder.build(text)

    fetched = builder.find(image, "to/name.txt")
    assert fetched.read_text() == "fetched"
    assert (stat.S_IMODE(fetched.stat().st_mode), fetched.stat().st_mtime) == (0o600, 1445412480)
    assert stat.S_IMODE(builder.find(image, "as").stat().st_mode) == 0o644
    Web.asked.clear()
    builder.build(text)
    assert [step.partition(" (")[2] for step in builder.steps] == ["cached)"] * 2
    assert Web.asked[0] == '/dir/name.txt "1"'


def test_a_checksum_is_held_against_what_came(builder: Builder, web: str) -> None:
    right = hashlib.sha256(b"fetched").hexdigest()
    text = "FROM scratch\nADD --checksum=sha256:{} " + web + "/name /to/\n"
    with pytest.raises(BuildError, match=r"Dockerfile:2: ADD: .*/name is not what --checksum says: it is sha256:"):
        builder.build(text.format("0" * 64))
    builder.build(text.format(right))
    Web.asked.clear()
    builder.build(text.format(right))
    assert Web.asked == []
    with pytest.raises(BuildError, match=r"Dockerfile:2: ADD: .*/lost cannot be fetched: .* HTTP 404"):
        builder.build(f"FROM scratch\nADD {web}/lost /x\n")


def test_archives_of_zstd_are_unpacked_unless_nothing_shall_be(builder: Builder) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        member = tarfile.TarInfo("sub/f")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    (builder.context / "a.tar.zst").write_bytes(zstandard.compress(plain.getvalue()))
    image = builder.build("FROM scratch\nADD a.tar.zst /to/\nADD --unpack=false a.tar.zst /kept/\n")

    assert builder.find(image, "to/sub/f").read_text() == "hello"
    assert below(builder.find(image, "kept")) == ["a.tar.zst"]


def test_a_date_makes_two_builds_one_image(builder: Builder) -> None:
    builder.write("f", "content")
    text = "FROM localhost/bb:1\nWORKDIR /made/here\nCOPY f .\nRUN mkdir d && echo x > d/f && hostname > h\n"
    first = builder.build(text, epoch=1_000_000_000)
    os.utime(builder.context / "f")
    second = builder.build(text, epoch=1_000_000_000, no_cache=True)

    assert second == first
    assert builder.find(first, "made/here/d").stat().st_mtime == 1_000_000_000
    assert {entry.created_ns for entry in first.history if entry.created_by} == {1_000_000_000 * 1_000_000_000}
