"""Archives that mean harm, or are damaged: each is refused in its own words, and nothing of it stays."""

import gzip
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.archives import bundles
from engine.errors import ImageError
from tests.kernel.archives.conftest import (
    LAYERS,
    OCI_INDEX,
    Dock,
    Files,
    blob,
    config,
    digest,
    docker_archive,
    link,
    oci_layout,
    tar,
)


def _manifest(**changes: object) -> Files:
    files = docker_archive(*LAYERS)
    (entry,) = json.loads(files["manifest.json"])  # type: ignore[arg-type]
    return {**files, "manifest.json": json.dumps([{**entry, **changes}]).encode()}


def _two_manifests() -> bytes:
    files = docker_archive(*LAYERS)
    first = tar(files)
    end = len(first.rstrip(b"\0"))
    end += -end % 512
    return first[:end] + tar({"./manifest.json": b"[]"})


def _oci(change: Callable[[Files, dict[str, object]], None]) -> Files:
    files = oci_layout(*LAYERS)
    index = json.loads(files["index.json"])  # type: ignore[arg-type]
    change(files, index["manifests"][0])
    files["index.json"] = json.dumps(index).encode()
    return files


def _other_blob(files: Files, _entry: dict[str, object]) -> None:
    name = next(name for name in files if name.startswith("blobs/") and files[name][:2] == b"\x1f\x8b")  # type: ignore[index]
    files[name] = gzip.compress(b"something else")


def _self_referring(files: Files, entry: dict[str, object]) -> None:
    nested = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
    for _ in range(4):
        entry.update(blob(files, nested, mediaType=OCI_INDEX, platform=_platform()))
        nested = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()


def _platform() -> dict[str, str]:
    return {"os": "linux", "architecture": json.loads(config())["architecture"]}


def _device() -> tarfile.TarInfo:
    entry = tarfile.TarInfo("0/layer.tar")
    entry.type = tarfile.CHRTYPE
    return entry


OTHER_CONFIG = config(LAYERS[0])
CASES: dict[str, tuple[bytes | Files, str]] = {
    "empty": (b"", "no tar archive"),
    "zeros": (bytes(10240), "neither a manifest.json nor an index.json"),
    "noise": (bytes(range(256)) * 40, "no tar archive"),
    "gzip of noise": (gzip.compress(bytes(range(256)) * 40), "no tar archive"),
    "half a gzip": (gzip.compress(tar(docker_archive(*LAYERS)))[:200], "gzip stream ends too early"),
    "a gzip bomb": (gzip.compress(bytes(300 << 20)), "more than 200 times its packed size"),
    "a name that leads out": ({"../../etc/passwd": b"x"}, "leads out of the archive"),
    "a link that leads out": (
        {**docker_archive(*LAYERS), "0/layer.tar": link("0/layer.tar", "../../../etc/passwd")},
        "leads out of the archive",
    ),
    "an absolute link": (
        {**docker_archive(*LAYERS), "0/layer.tar": link("0/layer.tar", "/etc/passwd")},
        "of a kind that archives of images do not have",
    ),
    "a link to itself": (
        {**docker_archive(*LAYERS), "0/layer.tar": link("0/layer.tar", "layer.tar")},
        "the archive lacks '0/layer.tar'",
    ),
    "a device for a layer": ({**docker_archive(*LAYERS), "0/layer.tar": _device()}, "of a kind that archives"),
    "two manifests": (_two_manifests(), "two files called './manifest.json'"),
    "a manifest of nonsense": ({"manifest.json": b"{"}, "manifest.json cannot be read"),
    "a manifest of another kind": ({"manifest.json": b'{"a":1}'}, "manifest.json cannot be read"),
    "no image": ({"manifest.json": b"[]"}, "there is no image in the archive"),
    "a huge manifest": ({"manifest.json": b" " * (5 << 20)}, "has 5,242,880 bytes; 4,194,304 are the most"),
    "a huge configuration": (_manifest(Config="0/layer.tar") | {"0/layer.tar": b" " * (5 << 20)}, "are the most"),
    "a configuration out of the archive": (_manifest(Config="/../../etc/passwd"), "leads out of the archive"),
    "a configuration that is missing": (_manifest(Config="nowhere"), "the archive lacks 'nowhere'"),
    "a layer out of the archive": (_manifest(Layers=["../../etc/passwd", "1/layer.tar"]), "leads out of the archive"),
    "a layer that is missing": (_manifest(Layers=["0/layer.tar", "nowhere"]), "the archive lacks 'nowhere'"),
    "a layer too few": (_manifest(Layers=["0/layer.tar"]), "name different layers"),
    "layers in another order": (_manifest(Layers=["1/layer.tar", "0/layer.tar"]), "it contains other files"),
    "too many layers": (_manifest(Layers=["0/layer.tar"] * 200), "the image has 200 layers; 127 are the most"),
    "a name that is none": (_manifest(RepoTags=["../../x"]), "is no image's name"),
    "another configuration under a digest": (
        docker_archive(*LAYERS) | {f"{digest(config(*LAYERS))[7:]}.json": OTHER_CONFIG},
        "another configuration than it names by its digest",
    ),
    "a layer with other files": (docker_archive(*LAYERS) | {"0/layer.tar": LAYERS[1]}, "it contains other files"),
    "a layer that leads out": (docker_archive(tar({"../x": b""})), "leads out of the layer"),
    "an image of 2015": ({"repositories": b"{}"}, "in a form of 2015"),
    "a blob with other content": (_oci(_other_blob), "instead of|other content than its digest names"),
    "a digest that is none": (_oci(lambda _files, entry: entry.update(digest="sha256:../../x")), "is no digest"),
    "a wrong size": (_oci(lambda _files, entry: entry.update(size=3)), "other content under"),
    "a manifest of an unknown kind": (
        _oci(lambda _files, entry: entry.update(mediaType="text/html")),
        "OK|unknown kind",
    ),
    "an index that leads to indexes": (_oci(_self_referring), "lead to one another"),
    "another machine's image": (
        _oci(lambda _files, entry: entry.update(platform={"os": "windows", "architecture": "amd64"})),
        "OK",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_archives_that_mean_harm(dock: Dock, tmp_path: Path, case: str) -> None:
    content, message = CASES[case]
    canary = tmp_path / "canary"
    canary.write_text("untouched")
    if message.startswith("OK"):
        dock.load(content)
        return
    with pytest.raises(ImageError, match=message):
        dock.load(content)
    assert dock.store.list() == ()
    assert dock.store.catalogue().images == {}
    assert list((dock.store.root / "tmp").glob("[!.]*")) == []
    assert canary.read_text() == "untouched"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["archive", "canary"]


def test_more_files_than_an_image_has_are_refused(dock: Dock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_MOST_FILES", 3)
    with pytest.raises(ImageError, match="has more than 3 files: it is no image's"):
        dock.load({str(number): b"" for number in range(4)})
