"""Named volumes on disk."""

from pathlib import Path

import pytest

from engine.errors import VolumeError
from engine.volumes import VolumeStore, filled_marker


def test_a_volume_is_made_empty_once_and_found_again(tmp_path: Path) -> None:
    store = VolumeStore(tmp_path / "volumes")
    made = store.ensure("boat_data", {"colour": "red"}, "boat")
    assert store.ensure("boat_data", {"colour": "blue"}, "other") == made
    assert store.list() == (made,)
    assert (made.record.project, made.record.labels, made.filled) == ("boat", {"colour": "red"}, False)
    assert list(made.data.iterdir()) == []


def test_a_removed_volume_is_gone_with_its_data_and_removing_again_does_nothing(tmp_path: Path) -> None:
    store = VolumeStore(tmp_path / "volumes")
    (store.ensure("boat_data").data / "file").touch()
    store.remove("boat_data")
    store.remove("boat_data")
    assert list((tmp_path / "volumes").iterdir()) == []


def test_what_a_killed_process_left_half_made_is_swept_away(tmp_path: Path) -> None:
    store = VolumeStore(tmp_path / "volumes")
    store.sweep()
    kept = store.ensure("boat_data")
    for name in (".new-boat_logs", ".old-boat_cache"):
        (tmp_path / "volumes" / name / "_data").mkdir(parents=True)
    assert store.list() == (kept,)
    store.sweep()
    assert [path.name for path in (tmp_path / "volumes").iterdir()] == ["boat_data"]


@pytest.mark.parametrize("name", ["", "..", ".new-x", "a/b", "a b", "x" * 129])
def test_a_name_that_could_lead_astray_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(VolumeError, match="is no name of a volume"):
        VolumeStore(tmp_path).ensure(name)


def test_a_new_volume_may_be_filled_until_it_is_settled(tmp_path: Path) -> None:
    store = VolumeStore(tmp_path)
    assert not store.ensure("v").filled
    filled_marker(store.ensure("v").data).write_text("0")  # a filling under way, or interrupted
    assert not store.ensure("v").filled
    filled_marker(store.ensure("v").data).write_text("1")
    assert store.ensure("v").filled


def test_a_damaged_record_names_the_data(tmp_path: Path) -> None:
    store = VolumeStore(tmp_path)
    volume = store.ensure("v")
    (volume.directory / "volume.json").write_text("{")
    with pytest.raises(VolumeError, match="the record of the volume v cannot be read") as caught:
        store.find("v")
    assert str(volume.data) in caught.value.hint
