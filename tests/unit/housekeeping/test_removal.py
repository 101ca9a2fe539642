import pytest

from engine.errors import ImageError
from engine.housekeeping.removal import Needs, one_image, unneeded
from engine.housekeeping.uses import Use
from engine.images.model import Image, ImageConfig, LayerFacts
from engine.images.store import Catalogue, Doomed

WEB, OLD, DB = "sha256:" + "a" * 64, "sha256:" + "b" * 64, "sha256:" + "c" * 64
BASE, TOP, DATA, STRAY = "sha256:base", "sha256:top", "sha256:data", "sha256:stray"
WEB_NAME, OTHER_NAME, DB_NAME = "docker.io/library/web:1", "docker.io/library/web:latest", "docker.io/library/db:2"


def image(image_id: str, *layers: str) -> Image:
    return Image(id=image_id, created_ns=1, architecture="amd64", config=ImageConfig(), layers=layers)


def catalogue(**names: str) -> Catalogue:
    images = {WEB: image(WEB, BASE, TOP), OLD: image(OLD, BASE), DB: image(DB, DATA)}
    layers = dict.fromkeys((BASE, TOP, DATA, STRAY), LayerFacts(size_bytes=1))
    return Catalogue(names={WEB_NAME: WEB, DB_NAME: DB, **names}, images=dict(images), layers=dict(layers))


def use(image_id: str, *layers: str, former: bool = False) -> Use:
    return Use(image_id, "web:1", layers, "boat", "boat-web-1", alive=True, former=former)


def test_the_last_name_takes_the_image_with_it_and_the_layers_that_only_it_has() -> None:
    found = one_image(catalogue(), Needs(), image(WEB, BASE, TOP), WEB_NAME)
    assert found == Doomed(names=(WEB_NAME,), images=(WEB,), layers=(TOP,))


def test_one_of_two_names_goes_alone() -> None:
    found = one_image(catalogue(**{OTHER_NAME: WEB}), Needs(), image(WEB, BASE, TOP), OTHER_NAME)
    assert found == Doomed(names=(OTHER_NAME,))


def test_an_image_that_a_container_was_made_from_is_refused_and_force_takes_its_name_alone() -> None:
    needs = Needs(uses=(use(WEB, BASE, TOP),))
    with pytest.raises(ImageError, match=r"image web:1 is in use: boat-web-1 \(stack boat\) was made from it"):
        one_image(catalogue(), needs, image(WEB, BASE, TOP), WEB_NAME)
    assert one_image(catalogue(), needs, image(WEB, BASE, TOP), WEB_NAME, force=True) == Doomed(names=(WEB_NAME,))


def test_an_image_that_a_rollback_needs_is_refused() -> None:
    needs = Needs(uses=(use(WEB, BASE, TOP, former=True),))
    with pytest.raises(ImageError, match="windlass rollback may take boat-web-1"):
        one_image(catalogue(), needs, image(WEB, BASE, TOP), "")


def test_an_id_stands_for_all_names_of_one_repository() -> None:
    both = catalogue(**{OTHER_NAME: WEB})
    found = one_image(both, Needs(), image(WEB, BASE, TOP), "")
    assert found == Doomed(names=(WEB_NAME, OTHER_NAME), images=(WEB,), layers=(TOP,))

    several = catalogue(**{"docker.io/library/shop:1": WEB})
    with pytest.raises(ImageError, match="has names in several repositories: shop:1, web:1"):
        one_image(several, Needs(), image(WEB, BASE, TOP), "")
    assert one_image(several, Needs(), image(WEB, BASE, TOP), "", force=True).images == (WEB,)


def test_what_builds_have_kept_stays_when_its_image_goes() -> None:
    found = one_image(catalogue(), Needs(cached={TOP}), image(WEB, BASE, TOP), WEB_NAME)
    assert found == Doomed(names=(WEB_NAME,), images=(WEB,))


def test_what_nobody_needs_is_what_has_no_name_no_container_and_no_image() -> None:
    assert unneeded(catalogue(), Needs()) == Doomed(images=(OLD,), layers=(STRAY,))
    assert unneeded(catalogue(), Needs(uses=(use(OLD, BASE),))) == Doomed(layers=(STRAY,))
    assert unneeded(catalogue(), Needs(uses=(use("", STRAY),))) == Doomed(images=(OLD,))


def test_names_go_too_if_asked_for_unless_a_container_needs_their_image() -> None:
    found = unneeded(catalogue(), Needs(uses=(use(DB, DATA),)), named=True)
    assert found == Doomed(names=(WEB_NAME,), images=(WEB, OLD), layers=(BASE, TOP, STRAY))


def test_only_unwanted_images_go() -> None:
    found = unneeded(catalogue(), Needs(), named=True, unwanted=lambda each: each.id == DB)
    assert found == Doomed(names=(DB_NAME,), images=(DB,), layers=(DATA, STRAY))


def test_a_damaged_image_goes_with_its_name() -> None:
    damaged = catalogue()._replace(images={WEB: None, DB: image(DB, DATA)})
    found = unneeded(damaged, Needs(), named=True, unwanted=lambda _image: False)
    assert found == Doomed(names=(WEB_NAME,), images=(WEB,), layers=(BASE, TOP, STRAY))
