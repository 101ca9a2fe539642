"""Fuzzes the readers of what a registry says of an image: manifests, indexes, configurations."""

import json
import re

from tests.fuzz.driving import drive, instrumented

with instrumented("engine"):
    from engine.errors import ImageError
    from engine.images import ociconfig
    from engine.registries import manifests
    from engine.registries.manifests import Host, Index, Manifest

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
KINDS = (
    manifests.OCI_INDEX,
    manifests.OCI_MANIFEST,
    manifests.DOCKER_INDEX,
    manifests.DOCKER_MANIFEST,
    "",
    "text/html",
)
PART = {"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 1}
PLATFORM = {"os": "linux", "architecture": "amd64", "variant": "v1"}
SEEDS = (
    {"schemaVersion": 2, "mediaType": manifests.OCI_MANIFEST, "config": PART, "layers": [PART, PART]},
    {"schemaVersion": 2, "mediaType": manifests.DOCKER_MANIFEST, "config": PART, "layers": []},
    {"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": [{**PART, "platform": PLATFORM}, PART]},
    {"schemaVersion": 2, "manifests": [PART], "layers": [PART], "config": PART},
    {"schemaVersion": 1, "fsLayers": []},
    {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:00:00.123456789Z",
        "config": {
            "Env": ["A=b"],
            "Cmd": ["x"],
            "Entrypoint": None,
            "User": "1:2",
            "ExposedPorts": {"80/tcp": {}},
            "Volumes": {"/v": {}},
            "Labels": {"a": "b"},
            "Healthcheck": {"Test": ["CMD", "x"], "Interval": 1},
            "OnBuild": ["RUN x"],
        },
        "rootfs": {"type": "layers", "diff_ids": [PART["digest"]]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "x", "empty_layer": True}],
    },
)


def check(data: bytes) -> None:
    kind, document = KINDS[data[0] % len(KINDS)] if data else "", data[1:]
    try:
        found = manifests.read_document(document, kind)
        if isinstance(found, Manifest):
            assert len(found.layers) <= 127
            assert all(DIGEST.fullmatch(part.digest) and part.size >= 0 for part in (found.config, *found.layers))
            written, kind = manifests.write_manifest(found.config, found.layers)
            assert isinstance(manifests.read_document(written, kind), Manifest)
        if isinstance(found, Index):
            assert manifests.choose(found, Host("amd64")) in found.manifests
    except ImageError as error:
        assert error.message  # noqa: PT017 -- either end is right
    try:
        image = ociconfig.decode(document)
        assert all(DIGEST.fullmatch(layer) for layer in image.layers)
    except ImageError as error:
        assert error.message  # noqa: PT017 -- either end is right


if __name__ == "__main__":
    drive(check, (bytes([number]) + json.dumps(seed).encode() for number, seed in enumerate(SEEDS)), longest=4000)
