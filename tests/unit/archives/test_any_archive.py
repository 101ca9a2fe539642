"""Whatever an archive holds, it gives images or an ImageError."""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.archives.bundles import opened_bundle
from engine.archives.layouts import Packed, packed_images
from engine.errors import ImageError
from engine.registries.manifests import LARGEST_DOCUMENT, Host

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
TEXTS = st.sampled_from(("a", "../a", "/a", "a\0", "", "manifest.json", "blobs/sha256/a", "x" * 300, "ü", "a/./b"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def read(content: bytes) -> tuple[Packed, ...]:
    with tempfile.TemporaryDirectory() as aside, tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        with opened_bundle(file.fileno(), Path(aside)) as bundle:
            found = packed_images(bundle, Host("amd64"))
            for image in found:
                bundle.document(image.config.name, LARGEST_DOCUMENT)
                target = os.open(aside, os.O_RDWR | os.O_TMPFILE)
                try:
                    for layer in image.layers:
                        bundle.extract(layer.name, target, layer.digest, layer.size)
                finally:
                    os.close(target)
            return found


def layout(index: object = None, manifest: object = None) -> dict[str, bytes]:
    config = b"{}"
    digest = hashlib.sha256(config).hexdigest()
    blob = json.dumps(
        manifest or {"config": {"digest": f"sha256:{digest}", "size": 2, "mediaType": "c"}, "layers": []}
    ).encode()
    named = hashlib.sha256(blob).hexdigest()
    entry = {"mediaType": MANIFEST, "digest": f"sha256:{named}", "size": len(blob)}
    return {
        "index.json": json.dumps(index or {"manifests": [entry]}).encode(),
        f"blobs/sha256/{named}": blob,
        f"blobs/sha256/{digest}": config,
    }


DOCKER = {
    "manifest.json": json.dumps([{"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["l/layer.tar"]}]).encode(),
    "c.json": b"{}",
    "l/layer.tar": bytes(10240),
}
ARCHIVES = (tar(DOCKER), tar(layout()))


def test_the_archives_to_start_from_are_whole() -> None:
    assert read(ARCHIVES[0])[0].names == ("app:1",)
    assert read(ARCHIVES[1])[0].names == ()


@given(
    st.sampled_from(ARCHIVES),
    st.lists(st.tuples(st.integers(0, 20_000), st.binary(min_size=1, max_size=4)), max_size=6),
    st.integers(0, 30_000),
)
def test_an_archive_with_other_bytes_or_cut_short(archive: bytes, changes: list[tuple[int, bytes]], end: int) -> None:
    changed = bytearray(archive)
    for place, content in changes:
        changed[place % len(changed) : place % len(changed) + len(content)] = content
    try:
        read(bytes(changed[:end]))
    except ImageError:
        return


@given(VALUES, st.sampled_from(("docker", "index", "manifest", "entry")))
def test_an_archive_with_any_documents(value: object, where: str) -> None:
    match where:
        case "docker":
            files = {**DOCKER, "manifest.json": json.dumps(value).encode()}
        case "entry":
            files = {**DOCKER, "manifest.json": json.dumps([{"Config": value, "Layers": value}]).encode()}
        case "index":
            files = layout(index={"manifests": value})
        case _:
            files = layout(manifest={"config": value, "layers": value, "mediaType": MANIFEST})
    try:
        read(tar(files))
    except ImageError:
        return


@given(st.binary(max_size=2000))
def test_anything_at_all(content: bytes) -> None:
    try:
        read(content)
    except ImageError:
        return
