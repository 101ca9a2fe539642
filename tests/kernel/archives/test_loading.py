"""What other programs save is loaded."""

import bz2
import gzip
import json
import lzma
import os
import tarfile
from pathlib import Path

import zstandard

from engine.archives.loading import load
from engine.archives.saving import Chosen, save
from engine.images.store import ImageStore
from engine.layout import Layout
from tests.kernel.archives.conftest import (
    LAYERS,
    OCI_INDEX,
    OCI_MANIFEST,
    Dock,
    blob,
    config,
    digest,
    docker_archive,
    link,
    oci_layout,
    tar,
)


def test_a_docker_archive_gives_an_image_with_its_names_and_its_very_configuration(dock: Dock) -> None:
    (loaded,) = dock.load(docker_archive(*LAYERS, names=("app:1", "reg.example/app:2")))
    assert loaded.names == ("app:1", "reg.example/app:2")
    assert loaded.image.id == digest(config(*LAYERS))
    assert dock.store.document(loaded.image.id) == config(*LAYERS)
    assert dock.files("app:1") == dock.files("reg.example/app:2") == ["one", "two"]
    assert len(dock.told) == 2
    dock.load(docker_archive(*LAYERS))
    assert len(dock.told) == 2, "what is here is not taken in again"


def test_archives_may_be_packed_in_any_usual_way(dock: Dock) -> None:
    plain = tar(docker_archive(*LAYERS))
    pack = (gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress)
    for number, packed in enumerate(each(plain) for each in pack):
        assert dock.load(packed)[0].names == ("app:1",), number


def test_an_oci_layout_gives_its_images(dock: Dock) -> None:
    (loaded,) = dock.load(oci_layout(*LAYERS, name="reg.example/app:1"))
    assert loaded.names == ("reg.example/app:1",)
    assert dock.files("reg.example/app:1") == ["one", "two"]


def test_a_tag_alone_is_no_name(dock: Dock) -> None:
    (loaded,) = dock.load(oci_layout(*LAYERS, name="latest"))
    assert loaded.names == ()
    assert dock.store.find(loaded.image.id) == loaded.image


def test_of_an_image_for_several_platforms_ours_is_taken(dock: Dock) -> None:
    files = oci_layout(*LAYERS)
    ours = json.loads(files["index.json"])["manifests"][0]  # type: ignore[arg-type]
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    other = blob(files, b"{}", mediaType=OCI_MANIFEST, platform={"os": "linux", "architecture": "s390x"})
    said = blob(files, b"[]", mediaType=OCI_MANIFEST, platform={"os": "unknown", "architecture": "unknown"})
    platform = {"os": "linux", "architecture": machine}
    entries = [other, {**ours, "platform": platform}, said]
    nested = blob(files, json.dumps({"schemaVersion": 2, "manifests": entries}).encode(), mediaType=OCI_INDEX)
    nested["annotations"] = ours["annotations"]
    for index in ([nested], [{**each, "annotations": ours["annotations"]} for each in entries]):
        files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": index}).encode()
        assert dock.load(files)[0].names == ("app:1",)


def test_layers_may_be_links_to_others_inside_the_archive(dock: Dock) -> None:
    files = docker_archive(LAYERS[0], LAYERS[0])
    files["1/layer.tar"] = link("1/layer.tar", "../0/layer.tar")
    assert dock.load(files)[0].image.layers == (digest(LAYERS[0]),) * 2
    files["1/layer.tar"] = link("1/layer.tar", "0/layer.tar", tarfile.LNKTYPE)
    assert dock.load(files)[0].names == ("app:1",)


def test_several_images_share_their_layers(dock: Dock) -> None:
    first, second = docker_archive(*LAYERS), docker_archive(LAYERS[0], names=("base:1",))
    both = {**first, **second}
    entries = [*json.loads(first["manifest.json"]), *json.loads(second["manifest.json"])]  # type: ignore[arg-type]
    both["manifest.json"] = json.dumps(entries).encode()
    assert [loaded.names for loaded in dock.load(both)] == [("app:1",), ("base:1",)]
    assert len(dock.told) == 2


def test_what_was_loaded_is_saved_with_the_very_archives_it_came_in(dock: Dock, roots: Layout, tmp_path: Path) -> None:
    (loaded,) = dock.load(docker_archive(*LAYERS, LAYERS[0]))
    for kind in ("docker-archive", "oci-archive"):
        path = tmp_path / kind
        with path.open("w+b") as file:
            save(dock.store, [Chosen(loaded.image, ("docker.io/library/app:1",))], file.fileno(), kind)
        with tarfile.open(path) as archive:
            for layer in LAYERS:
                found = archive.extractfile(f"blobs/sha256/{digest(layer)[7:]}")
                assert found is not None
                assert found.read() == layer
        other = ImageStore(tmp_path / f"{kind}-images", roots.cache)
        with path.open("rb") as file:
            assert load(other, file.fileno(), lambda _layer: None)[0] == loaded
