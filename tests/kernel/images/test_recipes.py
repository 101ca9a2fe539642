"""A layer that came as an archive comes out as the very same archive, though the archive is not kept."""

import gzip
import hashlib
import io
import os
import random
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import ImageError
from engine.images.jail import Jail
from engine.images.layer_archives import add_archive, write_archive
from engine.images.store import ImageStore
from tests.registry import archive, digest_of, entry, file

LINK, HARD, DIRECTORY = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


@pytest.fixture
def store() -> Iterator[ImageStore]:
    """A store in memory: many layers are written through."""
    with tempfile.TemporaryDirectory(prefix="wl-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as root:
        yield ImageStore(Path(root, "images"), Path(root, "cache"))


def added(store: ImageStore, packed: bytes, jail: Jail | None = None) -> str:
    handle = os.memfd_create("blob")
    try:
        os.write(handle, packed)
        return add_archive(store, handle, jail=jail)[0]
    finally:
        os.close(handle)


@pytest.fixture
def jail(store: ImageStore) -> Iterator[Jail]:
    with Jail(store.cache) as made:
        yield made


def written(store: ImageStore, diff_id: str) -> bytes:
    pieces: list[bytes] = []
    write_archive(store, diff_id, lambda piece: pieces.append(bytes(piece)))
    return b"".join(pieces)


def odd() -> bytes:
    """An archive with much that our own would not have."""
    info, content = file("pax", b"p" * 700)
    info.pax_headers = {"comment": "nobody reads this", "mtime": "12.5", "SCHILY.xattr.user.odd": "x"}
    device = entry("dev/sda", tarfile.BLKTYPE)
    device.devmajor = 8
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in ("./", "./" + "long/" * 40 + "name"):
            member, _ = file(name, b"")
            member.type = DIRECTORY if name == "./" else tarfile.REGTYPE
            tar.addfile(member)
    skipped = file(".wh..wh.plnk/1", b"skipped " * 99)
    whole = archive((info, content), device, file(".wh.gone"), skipped, file("z", b"1"))
    first = made.getvalue().rstrip(b"\0")
    return first + bytes(-len(first) % 512) + whole + b"trailing"


ARCHIVES = {
    "an ordinary one": archive(entry("d", DIRECTORY), file("d/a", b"a" * 5000), entry("h", HARD, "d/a"), file("empty")),
    "no entry": bytes(1024),
    "nothing": b"",
    "oddities": odd(),
    "padding that is not zeros": archive(file("a", b"x" * 100)).replace(bytes(400), b"?" * 400, 1),
    "trailing garbage": archive(file("a", b"x")) + random.Random(1).randbytes(700_001),  # noqa: S311 -- no secrets
    "a file twice": archive(file("a", b"first"), file("a", b"second")),
    "a file thrice, once empty": archive(file("a", b"first"), file("a"), file("a", b"third")),
    "a directory replaced": archive(file("d/e/f", b"deep"), file("d/g", b"2"), file("d", b"3"), file("d", b"4")),
    "a directory replaced twice": archive(
        *(file("d/e/f", b"1"), file("d/e", b"2"), entry("d/e", DIRECTORY), file("d/e/f", b"3")),
        *(entry("d", LINK, "x"), entry("d", DIRECTORY), file("d/e", b"4")),
    ),
    "a first name replaced": archive(file("a", b"one"), entry("b", HARD, "a"), file("a", b"two"), file("b", b"three")),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_the_same_archive_comes_out(case: str, store: ImageStore) -> None:
    content = ARCHIVES[case]
    diff_id = added(store, gzip.compress(content))
    assert diff_id == digest_of(content)
    assert written(store, diff_id) == content


def test_whatever_order_entries_come_in_the_same_archive_comes_out(store: ImageStore, jail: Jail) -> None:
    for seed in range(20):
        dice = random.Random(seed)  # noqa: S311 -- no secrets
        names = ["a", "b", "a/b", "a/c", "b/a", "b/a/c", "a/b/c"]
        kinds = (DIRECTORY, LINK, HARD, tarfile.FIFOTYPE)
        members: list[tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]] = []
        for _ in range(dice.randrange(1, 30)):
            name = dice.choice(names)
            if dice.random() < 0.6:
                members.append(file(name, dice.randbytes(dice.choice([0, 1, 512, 2000]))))
            else:
                members.append(entry(name, dice.choice(kinds), dice.choice(names)))
            try:
                diff_id = added(store, archive(*members), jail)
            except ImageError:
                members.pop()  # it lies below a file, or is another name of nothing
            else:
                assert written(store, diff_id) == archive(*members), f"seed {seed}"


def test_a_recipe_is_small_and_holds_no_content(store: ImageStore) -> None:
    noise = random.Random(2).randbytes(100_000)  # noqa: S311 -- no secrets
    diff_id = added(store, archive(*(file(f"some/where/{number}", noise) for number in range(20))))
    recipe = store.layer_directory(diff_id).parent / "recipe"
    assert recipe.stat().st_size < 2000


def test_a_changed_file_is_told(store: ImageStore) -> None:
    diff_id = added(store, archive(file("a", b"before")))
    (store.layer_directory(diff_id) / "a").write_bytes(b"behind")
    with pytest.raises(ImageError, match="cannot be written as the archive that it came from"):
        written(store, diff_id)
    (store.layer_directory(diff_id) / "a").write_bytes(b"shorter")
    with pytest.raises(ImageError, match="does not fit its files any more"):
        written(store, diff_id)


def test_a_recipe_leads_nowhere_else(store: ImageStore, tmp_path: Path) -> None:
    content = archive(file("d/a", b"secret"))
    diff_id = added(store, content)
    (tmp_path / "a").write_bytes(b"secret")
    tree = store.layer_directory(diff_id)
    (tree / "d").rename(tree / "e")
    (tree / "d").symlink_to(tmp_path)
    with pytest.raises(ImageError, match="does not fit"):
        written(store, diff_id)


def test_without_a_recipe_what_was_an_archive_of_ours_still_comes_out(store: ImageStore) -> None:
    ours = archive(file("a", b"x"))
    diff_id = added(store, ours)
    (store.layer_directory(diff_id).parent / "recipe").unlink()
    with pytest.raises(ImageError, match="as the archive that it came from"):
        written(store, diff_id)
    with store.workspace() as aside:
        (aside / "made").mkdir()
        (aside / "made" / "a").write_bytes(b"x")
        made = store.add_layer(aside / "made")
    assert f"sha256:{hashlib.sha256(written(store, made)).hexdigest()}" == made


def test_a_damaged_recipe_is_told(store: ImageStore) -> None:
    diff_id = added(store, archive(*(file(f"{number}", b"x" * number) for number in range(100))))
    recipe = store.layer_directory(diff_id).parent / "recipe"
    whole = recipe.read_bytes()
    for damaged in (b"", whole[:10], whole[:-9], whole[:200] + b"\xff" * 20 + whole[220:], b"x" + whole):
        recipe.write_bytes(damaged)
        with pytest.raises(ImageError, match="does not fit its files any more"):
            written(store, diff_id)
