"""What an earlier boot left behind is removed, and nothing else."""

import os
from pathlib import Path

from engine.idranges import lease_range
from engine.layout import Layout
from engine.leftovers import remove_leftovers

OLD, KEPT, NEW = "a" * 64, "b" * 64, "c" * 64
BOOT = 2_000_000_000.0


def test_only_data_older_than_the_boot_without_a_record_are_removed(tmp_path: Path) -> None:
    layout = Layout(run=tmp_path / "run", data=tmp_path / "data")
    for container_id in (OLD, KEPT, NEW):
        (layout.container_data(container_id) / "upper").mkdir(parents=True)
        first_id = lease_range(layout.id_ranges, container_id)
        moment = BOOT + (100 if container_id == NEW else -100)
        os.utime(layout.container_data(container_id), (moment, moment))
        os.utime(layout.id_ranges / str(first_id), (moment, moment), follow_symlinks=False)
    layout.stack("shop").container(KEPT).mkdir(parents=True)

    assert remove_leftovers(layout, booted_at=BOOT) == (OLD,)
    assert sorted(path.name for path in layout.containers.iterdir()) == [KEPT, NEW]
    assert sorted(str(path.readlink()) for path in layout.id_ranges.iterdir()) == [KEPT, NEW]
    assert remove_leftovers(layout, booted_at=BOOT) == ()


def test_an_installation_without_data_has_no_leftovers(tmp_path: Path) -> None:
    assert remove_leftovers(Layout(run=tmp_path / "run", data=tmp_path / "data"), booted_at=BOOT) == ()
