import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.directories import make_private
from engine.idranges import lease_range
from engine.images.store import ImageStore
from engine.layout import Layout
from engine.locks import lock_file
from engine.volumes import VolumeStore


@pytest.fixture(autouse=True)
def _generous_umask() -> Iterator[None]:
    previous = os.umask(0)
    yield
    os.umask(previous)


def mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o7777:o}"


def test_every_directory_that_is_made_is_the_owners_alone(tmp_path: Path) -> None:
    make_private(tmp_path / "run" / "stacks" / "shop")
    assert [mode(tmp_path / each) for each in ("run", "run/stacks", "run/stacks/shop")] == ["700", "700", "700"]


def test_a_directory_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    make_private(tmp_path / "run")
    assert mode(tmp_path / "run") == "755"


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(FileExistsError):
        make_private(tmp_path / "run")


def test_a_directory_that_somebody_removes_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([FileExistsError()])  # it was there a moment ago
    mkdir = Path.mkdir

    def contended(directory: Path, mode: int = 0o777) -> None:
        for answer in answers:
            raise answer
        mkdir(directory, mode)

    monkeypatch.setattr(Path, "mkdir", contended)
    make_private(tmp_path / "run")
    assert mode(tmp_path / "run") == "700"


def _lock(roots: Layout) -> None:
    held = lock_file(roots.stack("shop").command_lock, blocking=True)
    assert held is not None
    os.close(held)


def _image_workspace(roots: Layout) -> None:
    with ImageStore(roots.images, roots.cache).workspace():
        pass


FIRST: dict[str, Callable[[Layout], object]] = {
    "a lock": _lock,
    "a range of ids": lambda roots: lease_range(roots.id_ranges, "ab" * 32),
    "a volume": lambda roots: VolumeStore(roots.volumes).ensure("shop_data"),
    "an image": _image_workspace,
}


@pytest.mark.parametrize("first", FIRST)
def test_whatever_is_made_first_closes_the_roots(tmp_path: Path, first: str) -> None:
    roots = Layout(run=tmp_path / "run", data=tmp_path / "data")
    FIRST[first](roots)
    (made,) = tmp_path.iterdir()
    assert [mode(each) for each in (made, *made.iterdir())] == ["700", "700"]
