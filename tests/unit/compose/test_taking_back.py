"""What an `up` that failed takes back, and what it leaves."""

import msgspec.structs

from compose.deciding.observed import Observed
from compose.deciding.taking_back import Extent, plan_taking_back
from tests.unit.compose.planning import WEB_ON_DB, World, running, service, stack, wanted


def keys(before: Observed, world: World, extent: Extent = Extent()) -> list[str]:  # noqa: B008 - a value
    return [step.key for step in plan_taking_back("shop", before, world.observed, extent).steps]


def never_started(world: World, *names: str) -> World:
    for name in names:
        world.put(name, status="created", health="none", started_ns=0)
    return world


def test_when_nothing_ever_ran_nothing_is_left() -> None:
    world = never_started(World().add(wanted(stack(*WEB_ON_DB))), "shop-db-1", "shop-web-1")

    assert keys(Observed(), world) == [
        "remove container shop-db-1",
        "remove container shop-web-1",
        "remove network shop_default",
        "close stack shop",
        "remove volume shop_data",
    ]


def test_what_ran_stays_with_what_it_uses() -> None:
    world = never_started(World().add(wanted(stack(*WEB_ON_DB))), "shop-web-1")
    world.put("shop-db-1", health="unhealthy", started_ns=1)

    assert keys(Observed(), world) == ["remove container shop-web-1"]


def test_in_the_foreground_what_was_started_stops() -> None:
    world = never_started(World().add(wanted(stack(*WEB_ON_DB))), "shop-web-1")
    world.put("shop-db-1", health="unhealthy", started_ns=1)

    assert keys(Observed(), world, Extent(stopped=True)) == ["stop container shop-db-1", "remove container shop-web-1"]


def test_all_or_nothing_leaves_only_what_failed() -> None:
    world = never_started(World().add(wanted(stack(*WEB_ON_DB, service("log")))), "shop-web-1")
    world.put("shop-db-1", health="unhealthy", started_ns=1)

    assert keys(Observed(), world, Extent(removed=True)) == [
        "stop container shop-log-1",
        "stop container shop-db-1",
        "remove container shop-log-1",
        "remove container shop-web-1",
    ]


def test_what_was_there_before_stays_as_it_was_and_so_does_what_stands_in_for_it() -> None:
    of = stack(*WEB_ON_DB)
    world = World().add(wanted(of))
    before = world.observed
    for each in wanted(stack(*WEB_ON_DB, service("log"))).services:
        if each.name in {"web", "log"}:
            spec = msgspec.structs.replace(each.specs[0], id=f"new-{each.name}")
            world.containers[spec.name] = running(spec)
    never_started(world, "shop-web-1", "shop-log-1")

    assert keys(before, world, Extent(removed=True)) == ["remove container shop-log-1"]
    assert keys(before, world, Extent(rolled=("log",))) == []
