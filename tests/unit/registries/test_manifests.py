"""Reading manifests that may be meant to deceive."""

import json

import pytest

from engine.errors import ImageError
from engine.registries.manifests import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Host, Index, choose, read_document

DIGEST = "sha256:" + "a" * 64
PART = {"mediaType": "x", "digest": DIGEST, "size": 3}
MANIFEST = {"schemaVersion": 2, "config": PART, "layers": [PART]}


def refused(fields: object, media_type: str = OCI_MANIFEST) -> str:
    with pytest.raises(ImageError) as error:
        read_document(json.dumps(fields).encode(), media_type)
    return error.value.message


def test_the_kind_stands_in_the_document_or_in_the_answers_header() -> None:
    content = json.dumps(MANIFEST).encode()
    assert read_document(content, f"{DOCKER_MANIFEST}; charset=utf-8") == read_document(content, OCI_MANIFEST)
    assert "unknown kind: 'text/html'" in refused(MANIFEST, "text/html")


def test_documents_that_deceive_or_are_damaged_are_refused() -> None:
    assert "an index and an image at once" in refused({**MANIFEST, "manifests": []})
    assert "an index and an image at once" in refused({**MANIFEST, "manifests": []}, OCI_INDEX)
    assert "form of 2015" in refused({"schemaVersion": 1})
    assert "cannot be read" in refused([])
    with pytest.raises(ImageError, match="cannot be read"):
        read_document(b'{"mediaType": "\xea"}', OCI_MANIFEST)
    assert "cannot be read" in refused({"schemaVersion": 2, "layers": []})
    assert "is no digest" in refused({**MANIFEST, "config": {**PART, "digest": "sha256:../../etc"}})
    assert "is no digest" in refused({**MANIFEST, "layers": [{**PART, "digest": "md5:" + "a" * 64}]})
    assert "negative size" in refused({**MANIFEST, "layers": [{**PART, "size": -1}]})
    assert "128 layers; 127 are the most" in refused({**MANIFEST, "layers": [PART] * 128})


def index(*platforms: str) -> Index:
    entries = []
    for platform in platforms:
        system, architecture, variant = [*platform.split("/"), ""][:3]
        entries.append({**PART, "platform": {"os": system, "architecture": architecture, "variant": variant}})
    found = read_document(json.dumps({"schemaVersion": 2, "manifests": entries}).encode(), OCI_INDEX)
    assert isinstance(found, Index)
    return found


def test_the_image_for_the_machine_is_chosen() -> None:
    there = index("linux/amd64", "linux/arm/v6", "linux/arm/v7", "windows/amd64", "unknown/unknown")
    assert str(choose(there, Host("amd64")).platform) == "linux/amd64"
    assert str(choose(there, Host("arm")).platform) == "linux/arm/v6"
    assert str(choose(there, Host("arm", "v7")).platform) == "linux/arm/v7"
    with pytest.raises(ImageError, match="not made for linux/s390x") as error:
        choose(there, Host("s390x"))
    assert error.value.hint == "it is there for linux/amd64, linux/arm/v6, linux/arm/v7, windows/amd64"
