import hashlib
import os
from pathlib import Path

from engine.images.layer_archives import write_archive
from engine.images.store import ImageStore


def test_a_layer_made_here_is_written_as_the_archive_that_names_it(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images", tmp_path / "cache")
    with store.workspace() as aside:
        tree = aside / "made"
        tree.mkdir()
        (tree / "file").write_text("content")
        os.utime(tree / "file", (1, 1))
        diff_id = store.add_layer(tree)
    pieces: list[bytes] = []

    write_archive(store, diff_id, lambda piece: pieces.append(bytes(piece)))

    assert f"sha256:{hashlib.sha256(b''.join(pieces)).hexdigest()}" == diff_id
