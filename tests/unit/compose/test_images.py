"""Which image each service runs, and what has to be done for it."""

import pytest

from compose.deciding.choices import ImageChoice, ImageNeed
from compose.doing.images import choose_images
from compose.errors import FileError
from compose.model import Build, Service, Stack
from engine.images.model import Image, ImageConfig

IMAGE = Image(id="sha256:1", created_ns=0, architecture="amd64", config=ImageConfig(), layers=())


def chosen(*services: Service, here: tuple[str, ...] = (), build: bool = False) -> dict[str, ImageChoice]:
    stack = Stack(
        name="shop",
        directory="/p",
        files=("compose.yaml",),
        services={service.name: service for service in services},
        networks={},
        volumes={},
    )
    return choose_images(stack, services, lambda name: IMAGE if name in here else None, build=build)


BUILT = Service(name="web", build=Build(context="/p"))


def test_what_is_there_is_used() -> None:
    assert chosen(Service(name="web", image="bb"), here=("bb",)) == {"web": ImageChoice(name="bb", image=IMAGE)}


def test_a_build_is_named_after_stack_and_service_and_done_once() -> None:
    need = ImageNeed(builder="web", cause="not built yet")

    assert chosen(BUILT) == {"web": ImageChoice(name="shop-web", need=need)}
    assert chosen(BUILT, here=("shop-web",)) == {"web": ImageChoice(name="shop-web", image=IMAGE)}


def test_a_build_is_done_again_when_asked() -> None:
    need = ImageNeed(builder="web", cause="--build")

    assert chosen(BUILT, here=("shop-web",), build=True) == {
        "web": ImageChoice(name="shop-web", image=IMAGE, need=need)
    }


def test_a_service_may_use_the_image_that_another_builds() -> None:
    need = ImageNeed(builder="web", cause="not built yet")
    found = chosen(Service(name="web", image="app", build=Build(context="/p")), Service(name="worker", image="app"))

    assert found["worker"] == ImageChoice(name="app", need=need)


def test_a_distribution_is_made() -> None:
    assert chosen(Service(name="web", image="debootstrap:bookworm"))["web"].need == ImageNeed(cause="not made yet")


def test_a_distribution_is_made_again_where_the_policy_says_always() -> None:
    service = Service(name="web", image="debootstrap:bookworm", pull_policy="always")
    need = ImageNeed(cause="pull policy: always", refresh=True)

    assert chosen(service)["web"].need == ImageNeed(cause="not made yet")
    assert chosen(service, here=("debootstrap:bookworm",))["web"].need == need


def test_an_image_that_is_not_here_is_pulled() -> None:
    assert chosen(Service(name="db", image="redis:7"))["db"].need == ImageNeed(cause="not here yet", pull=True)


def test_an_image_that_must_not_be_pulled_is_refused_with_what_to_do() -> None:
    with pytest.raises(FileError, match="image redis:7 is not here, and the pull policy `never` forbids to get it"):
        chosen(Service(name="db", image="redis:7", pull_policy="never"))
