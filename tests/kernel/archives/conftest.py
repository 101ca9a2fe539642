"""Archives of images, written by hand."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.archives.loading import Loaded, load
from engine.images.store import ImageStore
from engine.layout import Layout

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
Files = dict[str, bytes | tarfile.TarInfo]


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def tar(files: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


LAYERS = (tar({"one": b"1"}), tar({"two": b"22"}))


def config(*layers: bytes, **more: Any) -> bytes:
    return json.dumps(
        {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
            "os": "linux",
            "config": {"Cmd": ["sh"], "OnBuild": ["RUN x"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
            **more,
        }
    ).encode()


def docker_archive(*layers: bytes, names: tuple[str, ...] | None = ("app:1",), **more: bytes) -> Files:
    """As `docker save` wrote it for long: a configuration by its digest, layers in directories."""
    document = config(*layers)
    files: Files = {f"{digest(document)[7:]}.json": document}
    for number, layer in enumerate(layers):
        files[f"{number}/layer.tar"] = layer
    entry = {
        "Config": f"{digest(document)[7:]}.json",
        "RepoTags": names,
        "Layers": [f"{number}/layer.tar" for number in range(len(layers))],
    }
    return {**files, "manifest.json": json.dumps([entry]).encode(), **more}


def blob(files: Files, content: bytes, **more: Any) -> dict[str, Any]:
    """Adds a blob to an OCI layout; returns its descriptor."""
    files[f"blobs/sha256/{digest(content)[7:]}"] = content
    return {"digest": digest(content), "size": len(content), **more}


def oci_layout(*layers: bytes, name: str = "app:1", **entry: Any) -> Files:
    files: Files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    described = [
        blob(files, gzip.compress(layer), mediaType="application/vnd.oci.image.layer.v1.tar+gzip") for layer in layers
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": blob(files, config(*layers), mediaType="application/vnd.oci.image.config.v1+json"),
        "layers": described,
    }
    root = blob(files, json.dumps(manifest).encode(), mediaType=OCI_MANIFEST, **entry)
    root["annotations"] = {"org.opencontainers.image.ref.name": name}
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [root]}).encode()
    return files


class Dock:
    """A store that archives are loaded into."""

    def __init__(self, layout: Layout, directory: Path) -> None:
        self.store = ImageStore(layout.images, layout.cache)
        self.told: list[str] = []
        self._path = directory / "archive"

    def load(self, content: bytes | Files) -> tuple[Loaded, ...]:
        self._path.write_bytes(content if isinstance(content, bytes) else tar(content))
        with self._path.open("rb") as file:
            return load(self.store, file.fileno(), self.told.append)

    def files(self, name: str) -> list[str]:
        image = self.store.find(name)
        assert image is not None
        return sorted(path.name for layer in self.store.layer_directories(image) for path in layer.iterdir())


@pytest.fixture
def dock(roots: Layout, tmp_path: Path) -> Dock:
    return Dock(roots, tmp_path)
