import json

import pytest

from engine.errors import ImageError
from engine.versions.documents import Version, next_version

BASE = {
    "architecture": "amd64",
    "os": "linux",
    "os.version": "kept",
    "container": "dropped",
    "container_config": {"Cmd": ["dropped"]},
    "author": "somebody else",
    "config": {"Cmd": ["sh"], "OnBuild": ["RUN make"], "Healthcheck": {"Test": ["CMD", "x"], "StartInterval": 5}},
    "history": [{"created_by": "ADD file:1 in /"}, {"created_by": "CMD", "empty_layer": True}],
    "rootfs": {"type": "layers", "diff_ids": ["sha256:a"]},
}


def test_a_next_version_keeps_what_nobody_here_knows_and_says_who_made_it() -> None:
    version = Version(
        created_ns=1_700_000_000_000_000_000,
        layer="sha256:b",
        created_by="sh -c serve",
        author="Ada",
        comment="mended",
        settings={"User": "app", "Cmd": None},
    )

    assert json.loads(next_version(json.dumps(BASE).encode(), version)) == {
        "architecture": "amd64",
        "author": "Ada",
        "comment": "mended",
        "config": {"OnBuild": ["RUN make"], "Healthcheck": {"Test": ["CMD", "x"], "StartInterval": 5}, "User": "app"},
        "created": "2023-11-14T22:13:20.000000000Z",
        "history": [
            {"created_by": "ADD file:1 in /"},
            {"created_by": "CMD", "empty_layer": True},
            {
                "author": "Ada",
                "comment": "mended",
                "created": "2023-11-14T22:13:20.000000000Z",
                "created_by": "sh -c serve",
            },
        ],
        "os": "linux",
        "os.version": "kept",
        "rootfs": {"type": "layers", "diff_ids": ["sha256:a", "sha256:b"]},
    }


def test_a_version_without_files_adds_no_layer_and_a_base_without_history_gets_one() -> None:
    bare = {**BASE, "history": None}
    found = json.loads(next_version(json.dumps(bare).encode(), Version(created_ns=0)))

    assert found["rootfs"]["diff_ids"] == ["sha256:a"]
    assert found["history"] == [{"created_by": ""}, {"created": "1970-01-01T00:00:00.000000000Z", "empty_layer": True}]
    assert "author" not in found


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"rootfs":{"diff_ids":[]},"history":[1]}'])
def test_a_damaged_document_is_refused(document: bytes) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        next_version(document, Version(created_ns=0))
