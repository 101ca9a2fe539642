from pathlib import Path

import pytest

from engine.contents import ContentStore, digest_of
from engine.errors import StateError
from engine.spec import ContainerSpec, FileMount, Process
from engine.supervisor.givenfiles import write_given_files


def _kept(directory: Path) -> dict[str, int]:
    return {entry.name: entry.stat().st_mode & 0o7777 for entry in directory.iterdir()}


def test_a_content_is_kept_once_for_root_alone(tmp_path: Path) -> None:
    store = ContentStore(tmp_path / "contents")
    digest = store.put(b"text")
    assert store.put(b"text") == digest == digest_of(b"text")
    assert store.get(digest) == b"text"
    assert _kept(tmp_path / "contents") == {digest.removeprefix("sha256:"): 0o600}
    assert (tmp_path / "contents").stat().st_mode & 0o777 == 0o700


def test_a_content_that_was_cut_short_is_kept_anew(tmp_path: Path) -> None:
    store = ContentStore(tmp_path / "contents")
    digest = store.put(b"text")
    (tmp_path / "contents" / digest.removeprefix("sha256:")).write_bytes(b"")
    store.put(b"text")
    assert store.get(digest) == b"text"


def test_contents_that_nobody_refers_to_are_removed(tmp_path: Path) -> None:
    store = ContentStore(tmp_path / "contents")
    one, two = store.put(b"one"), store.put(b"two")
    store.keep_only({two})
    with pytest.raises(StateError):
        store.get(one)
    assert store.get(two) == b"two"
    store.keep_only(())
    assert not (tmp_path / "contents").exists()
    store.keep_only(())


def test_files_are_written_with_their_modes(tmp_path: Path) -> None:
    store = ContentStore(tmp_path / "contents")
    mount = FileMount(target="/x", digest=store.put(b"x"), kind="config", name="x", mode=0o754)
    spec = ContainerSpec(
        id="0" * 64,
        name="web-1",
        stack="s",
        service="web",
        number=1,
        image_id="",
        image_name="",
        layers=(),
        process=Process(argv=("true",)),
        hostname="web",
        config_hash="",
        mounts=(mount,),
    )
    for _ in range(2):
        write_given_files(spec, store, tmp_path / "files", 0)
    assert _kept(tmp_path / "files") == {"0": 0o754}
    assert (tmp_path / "files" / "0").read_bytes() == b"x"
