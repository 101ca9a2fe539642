"""Debian's docker-registry, started for a test, and the way images get into it."""

import base64
import http.client
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from tests.registry import Made, digest_of


@contextmanager
def docker_registry(htpasswd: str = "") -> Iterator[str]:
    """The address of a registry that runs while the block does; with `htpasswd`, for its users alone."""
    with tempfile.TemporaryDirectory(prefix="wl-registry-") as directory:
        root = Path(directory)
        config = (
            "version: 0.1\nlog: {level: info}\n"
            f"storage: {{filesystem: {{rootdirectory: {root}/data}}}}\n"
            f"http: {{addr: '127.0.0.1:0'}}\n"
        )
        if htpasswd:
            (root / "users").write_text(htpasswd)
            config += f"auth: {{htpasswd: {{realm: test, path: {root}/users}}}}\n"
        (root / "config.yml").write_text(config)
        program = shutil.which("docker-registry")
        assert program, "install the package docker-registry"
        argv = [program, "serve", str(root / "config.yml")]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr
                port = _port_of(process.stderr)
                # A full pipe would stop it: whatever else it says is read, too.
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield f"127.0.0.1:{port}"
            finally:
                process.kill()


def push(address: str, name: str, image: Made, user: str = "") -> str:
    """Puts an image into a registry; returns its whole name. `user` is name:password."""
    repository, _, tag = name.partition(":")
    headers = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()} if user else {}
    for digest, content in image.blobs.items():
        status, location = _request(address, "POST", f"/v2/{repository}/blobs/uploads/", headers)
        assert status == 202
        split = urlsplit(location)
        target = f"{split.path}?{split.query}&digest={digest}"
        status, _ = _request(address, "PUT", target, headers, content)
        assert status == 201
    kind = {**headers, "Content-Type": image.media_type}
    status, _ = _request(address, "PUT", f"/v2/{repository}/manifests/{tag}", kind, image.manifest)
    assert status == 201, digest_of(image.manifest)
    return f"{address}/{name}"


def _request(
    address: str, method: str, target: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("Location", "")
    finally:
        connection.close()


def _port_of(said: IO[str]) -> int:
    """The port that the program has chosen, once it says that it listens."""
    lines: list[str] = []
    for line in said:
        lines.append(line)
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", line)
        if found:
            return int(found[1])
    raise AssertionError(f"docker-registry does not listen: {''.join(lines)}")
