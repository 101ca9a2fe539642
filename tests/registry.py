"""Registries for tests: one that says what it is told to, and images to fill it with."""

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs

from engine.images.ociconfig import host_architecture

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def archive(*members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A layer's archive."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            info, content = member if isinstance(member, tuple) else (member, b"")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return written.getvalue()


def file(name: str, content: bytes = b"", mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.mode = mode
    return info, content


def entry(name: str, kind: bytes, link: str = "", mode: int = 0o755) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


class Made(NamedTuple):
    """An image as registries have it: blobs by digest, and the manifest that names them."""

    manifest: bytes
    blobs: dict[str, bytes]
    layers: tuple[str, ...]
    media_type: str = MANIFEST


def made_image(
    *archives: bytes,
    pack: Callable[[bytes], bytes] = gzip.compress,
    config: dict[str, object] | None = None,
    architecture: str = "",
) -> Made:
    """An image of the given layers."""
    packed = [pack(content) for content in archives]
    document = json.dumps(
        {
            "architecture": architecture or host_architecture(os.uname().machine),
            "os": "linux",
            "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(content) for content in archives]},
        }
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest_of(document),
            "size": len(document),
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": digest_of(content),
                "size": len(content),
            }
            for content in packed
        ],
    }
    blobs = {digest_of(content): content for content in (document, *packed)}
    return Made(json.dumps(manifest).encode(), blobs, tuple(digest_of(content) for content in packed))


class Asked(NamedTuple):
    """A request as a registry got it; names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


class Reply(NamedTuple):
    """What a registry answers; with `sends`, the connection breaks off after so many bytes of the body.

    With `hangs_up`, it breaks off without an answer.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 -- nobody changes it
    sends: int | None = None
    hangs_up: bool = False


class FakeRegistry:
    """A registry on loopback. `odd` may answer a request in place of it by returning a reply."""

    def __init__(self) -> None:
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.blobs: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.asked: list[Asked] = []
        self.odd: Callable[[Asked], Reply | None] = lambda _asked: None
        self.address = ""

    def add(self, name: str, image: Made) -> str:
        """Offers an image as `repository:tag`; returns its whole name."""
        repository, _, tag = name.partition(":")
        for reference in (tag, digest_of(image.manifest)):
            self.manifests[f"/v2/{repository}/manifests/{reference}"] = (image.media_type, image.manifest)
        self.blobs.update({f"/v2/{repository}/blobs/{digest}": blob for digest, blob in image.blobs.items()})
        return f"{self.address}/{name}"

    def reply(self, asked: Asked) -> Reply:
        odd = self.odd(asked)
        if odd is not None:
            return odd
        if asked.path in self.manifests:
            kind, content = self.manifests[asked.path]
            return Reply(200, content, {"Content-Type": kind, "Docker-Content-Digest": digest_of(content)})
        if asked.path in self.blobs:
            return ranged(self.blobs[asked.path], asked)
        return self.taken(asked) or Reply(404, b"{}")

    def taken(self, asked: Asked) -> Reply | None:
        """What a registry that is pushed to does with a request."""
        path, _, rest = asked.path.partition("?")
        query = {name: values[0] for name, values in parse_qs(rest).items()}
        repository, _, tag = path.removeprefix("/v2/").partition("/manifests/")
        if asked.method == "PUT" and tag:
            self.add(f"{repository}:{tag}", Made(asked.body, {}, (), asked.headers["content-type"]))
            return Reply(201, b"", {"Docker-Content-Digest": digest_of(asked.body)})
        if asked.method == "POST" and path.endswith("/blobs/uploads/"):
            neighbour = f"/v2/{query.get('from', '')}/blobs/{query.get('mount', '')}"
            if neighbour in self.blobs:
                self.blobs[path.replace("uploads/", query["mount"])] = self.blobs[neighbour]
                return Reply(201)
            place = f"{path}{len(self.uploads)}"
            self.uploads[place] = b""
            return self.accepted(place)
        if path not in self.uploads:
            return None
        self.uploads[path] += asked.body
        if asked.method != "PUT":
            return self.accepted(path, 204 if asked.method == "GET" else 202)
        content = self.uploads.pop(path)
        if digest_of(content) != query["digest"]:
            return Reply(400, b'{"errors": [{"code": "DIGEST_INVALID", "message": "it is another"}]}')
        self.blobs[f"{path.rpartition('/uploads/')[0]}/{query['digest']}"] = content
        return Reply(201, b"", {"Docker-Content-Digest": query["digest"]})

    def accepted(self, place: str, status: int = 202) -> Reply:
        there = max(len(self.uploads[place]) - 1, 0)
        return Reply(status, b"", {"Location": f"{place}?state=x", "Range": f"0-{there}"})


def ranged(content: bytes, asked: Asked) -> Reply:
    """A blob, or its rest when only that is asked for."""
    first = asked.headers.get("range", "").removeprefix("bytes=").rstrip("-")
    if not first:
        return Reply(200, content)
    headers = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
    return Reply(206, content[int(first) :], headers)


@contextmanager
def fake_registry() -> Iterator[FakeRegistry]:
    """A registry that listens while the block runs."""
    registry = FakeRegistry()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            registry.asked.append(asked)
            reply = registry.reply(asked)
            if reply.hangs_up:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body[: reply.sends])
            if reply.sends is not None:
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = do_CONNECT = answer  # noqa: N815 -- names of the standard library

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    registry.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
