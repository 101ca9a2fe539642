from pathlib import Path

import pytest

from engine.idranges import FIRST, LAST, SIZE, lease_range, release_range

ONE, OTHER, SAME_SLOT = "00000000" + "a" * 56, "00000001" + "b" * 56, "00000000" + "c" * 56


def test_every_container_has_a_range_of_its_own(tmp_path: Path) -> None:
    assert lease_range(tmp_path, ONE) == FIRST
    assert lease_range(tmp_path, OTHER) == FIRST + SIZE
    assert lease_range(tmp_path, SAME_SLOT) == FIRST + 2 * SIZE


def test_leasing_again_finds_the_lease(tmp_path: Path) -> None:
    assert lease_range(tmp_path, ONE) == lease_range(tmp_path, ONE)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_range_is_given_back_whatever_happened_before_it(tmp_path: Path) -> None:
    for container_id in (ONE, OTHER, SAME_SLOT):
        lease_range(tmp_path, container_id)
    release_range(tmp_path, ONE)
    release_range(tmp_path, SAME_SLOT)
    release_range(tmp_path, SAME_SLOT)
    assert [place.name for place in tmp_path.iterdir()] == [str(FIRST + SIZE)]


def test_ranges_never_leave_their_bounds(tmp_path: Path) -> None:
    last = f"{(LAST + 1 - FIRST) // SIZE - 1:08x}" + "d" * 56
    assert lease_range(tmp_path, last) == LAST + 1 - SIZE
    assert lease_range(tmp_path, last[:8] + "e" * 56) == FIRST


@pytest.mark.parametrize("container_id", [ONE, OTHER])
def test_releasing_what_was_never_leased_is_fine(tmp_path: Path, container_id: str) -> None:
    release_range(tmp_path, container_id)
