import os
from pathlib import Path

import pytest

from engine.errors import ImageError
from engine.images.model import Image, ImageConfig
from engine.images.store import Catalogue, Doomed, ImageStore


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images", tmp_path / "cache")


def layer(store: ImageStore, name: str, content: str) -> str:
    with store.workspace() as aside:
        tree = aside / "made"
        tree.mkdir()
        (tree / name).write_text(content)
        for path in (tree, tree / name):
            os.utime(path, (1, 1))
        return store.add_layer(tree)


def image(store: ImageStore, *layers: str, user: str = "") -> Image:
    return store.add_image(ImageConfig(user=user), layers, created_ns=1, architecture="amd64")


def test_an_image_is_found_by_name_with_the_default_tag_and_by_the_beginning_of_its_id(store: ImageStore) -> None:
    made = image(store, layer(store, "a", "one"))
    store.tag("app", made)

    assert store.find("app") == made
    assert store.find("docker.io/library/app:latest") == made
    assert store.find(made.id) == made
    assert store.find(made.id[:19]) == made
    assert store.find(made.id[7:19]) == made
    assert store.find("app:other") is None


def test_an_image_knows_its_size_and_its_directories(store: ImageStore) -> None:
    base, top = layer(store, "a", "one"), layer(store, "b", "three")
    made = image(store, base, top)

    assert made.size_bytes == 8
    names = [[path.name for path in directory.iterdir()] for directory in store.layer_directories(made)]
    assert names == [["a"], ["b"]]


def test_the_same_layer_is_kept_once(store: ImageStore) -> None:
    assert layer(store, "a", "one") == layer(store, "a", "one")
    assert len(list((store.root / "layers").iterdir())) == 1


def test_a_name_moves_to_the_image_that_is_tagged_last(store: ImageStore) -> None:
    base = layer(store, "a", "one")
    one, two = image(store, base, user="one"), image(store, base, user="two")
    store.tag("app", one)
    store.tag("app", two)

    assert store.list() == (("app:latest", two),)


def test_what_is_picked_of_everything_there_is_goes_with_its_files(store: ImageStore) -> None:
    shared, gone = layer(store, "a", "one"), layer(store, "b", "two")
    kept, dropped = image(store, shared), image(store, shared, gone)
    store.tag("kept", kept)
    store.tag("dropped", dropped)
    seen: list[Catalogue] = []

    def decide(catalogue: Catalogue) -> Doomed:
        seen.append(catalogue)
        return Doomed(names=("docker.io/library/dropped:latest",), images=(dropped.id,), layers=(gone,))

    assert store.remove(decide) == (Doomed(("docker.io/library/dropped:latest",), (dropped.id,), (gone,)), 3)
    assert seen[0].names == {
        "docker.io/library/dropped:latest": dropped.id,
        "docker.io/library/kept:latest": kept.id,
    }
    assert seen[0].images == {kept.id: kept, dropped.id: dropped}
    assert seen[0].layers.keys() == {shared, gone}
    assert store.find(dropped.id) is None
    assert store.find("kept") == kept
    assert store.layer_facts(gone) is None
    assert list((store.root / "tmp").glob("[!.]*")) == []


def test_a_name_is_taken_away_once(store: ImageStore) -> None:
    store.tag("app", image(store, layer(store, "a", "one")))

    assert store.has_name("app")
    assert store.untag("app") is True
    assert store.untag("app") is False
    assert not store.has_name("app")


def test_an_image_that_has_just_gone_gets_no_name(store: ImageStore) -> None:
    made = image(store, layer(store, "a", "one"))
    store.remove(lambda catalogue: Doomed(images=tuple(catalogue.images)))

    with pytest.raises(ImageError, match="has just been removed"):
        store.tag("app", made)


def test_an_image_that_lacks_a_layer_or_is_damaged_counts_as_missing(store: ImageStore) -> None:
    one, two = layer(store, "a", "one"), layer(store, "b", "two")
    store.tag("lacking", image(store, one))
    damaged = image(store, two)
    store.tag("damaged", damaged)
    (store.layer_directory(one).parent / "layer.json").unlink()
    (store.root / "images" / f"{damaged.id[7:]}.json").write_text("{}")

    assert store.find("lacking") is None
    assert store.find("damaged") is None
    assert store.list() == ()


def test_a_damaged_layer_is_replaced_when_it_is_added_again(store: ImageStore) -> None:
    diff_id = layer(store, "a", "one")
    (store.layer_directory(diff_id).parent / "layer.json").write_text("")

    assert layer(store, "a", "one") == diff_id
    assert store.layer_facts(diff_id) is not None


def test_an_ambiguous_beginning_of_an_id_is_refused(store: ImageStore) -> None:
    (store.root / "images").mkdir(parents=True)
    for ending in "01":
        (store.root / "images" / f"{'a' * 63}{ending}.json").write_text("{}")

    with pytest.raises(ImageError, match="the beginning of 2 images' ids"):
        store.find("sha256:aaaa")


def test_an_image_of_unknown_layers_is_refused(store: ImageStore) -> None:
    with pytest.raises(ImageError, match="one of its layers is not in the store"):
        image(store, "sha256:" + "0" * 64)


@pytest.mark.parametrize("digest", ["../../etc", "sha256:../x", "sha256:" + "A" * 64, "0" * 64])
def test_nothing_but_a_digest_leads_to_a_layer(store: ImageStore, digest: str) -> None:
    with pytest.raises(ImageError, match="is no digest"):
        store.layer_directory(digest)


def test_a_workspace_vanishes_with_its_block_and_those_of_the_dead_with_the_next(store: ImageStore) -> None:
    with store.workspace() as alive:
        dead = alive.parent / "0123456789abcdef"
        (dead / "tree").mkdir(parents=True)
        with store.workspace() as second:
            assert second.is_dir()
            assert alive.is_dir()
            assert not dead.exists()
        assert not second.exists()
    assert not alive.exists()


def test_the_store_is_closed_to_others(store: ImageStore) -> None:
    image(store, layer(store, "a", "one"))

    assert store.root.stat().st_mode & 0o777 == 0o700
