"""Plans that take a stack, or some of it, away."""

from compose.deciding.observed import Observed, ObservedVolume
from compose.deciding.plan_down import DownOptions, plan_down, plan_stop
from compose.deciding.steps import StopContainer
from tests.unit.compose.planning import WEB_ON_DB, World, golden, service, stack, text, wanted


def test_down_stops_dependants_first_and_keeps_the_volumes() -> None:
    world = World().add(wanted(stack(*WEB_ON_DB)))
    found = plan_down("shop", world.observed, DownOptions(), exists=True)

    assert text(found) == golden("""
        Stack shop:
          stop    container  shop-web-1    down
          stop    container  shop-db-1     down
          remove  container  shop-db-1     down
          remove  container  shop-web-1    down
          remove  network    shop_default  down
          close   stack      shop          down
        2 containers to stop, 2 containers to remove, 1 network to remove, 1 stack to close.
    """)


def test_down_removes_volumes_and_images_when_asked() -> None:
    world = World().add(wanted(stack(*WEB_ON_DB)))
    world.volumes["other_data"] = ObservedVolume(name="other_data", project="other")
    found = plan_down("shop", world.observed, DownOptions(volumes=True, images=("shop-web",)), exists=True)

    assert [step.key for step in found.steps][-2:] == ["remove volume shop_data", "remove image shop-web"]


def test_down_of_nothing_plans_nothing() -> None:
    assert plan_down("shop", Observed(), DownOptions(), exists=False).steps == ()


def test_down_leaves_orphans_and_what_they_need() -> None:
    world = World().add(wanted(stack(service("web"), service("old"))))
    found = plan_down("shop", world.observed, DownOptions(known_services=("web",)), exists=True)

    assert [step.key for step in found.steps] == ["stop container shop-web-1", "remove container shop-web-1"]
    assert "shop-old-1" in found.warnings[0]


def test_an_interrupted_up_stops_what_runs() -> None:
    of = stack(*WEB_ON_DB)
    world = World().add(wanted(of)).put("shop-web-1", status="exited")

    assert [step.key for step in plan_stop("shop", world.observed.containers).steps] == ["stop container shop-db-1"]


def test_what_one_container_holds_waits_for_that_one_alone() -> None:
    found = plan_down("shop", World().add(wanted(stack(*WEB_ON_DB))).observed, DownOptions(volumes=True), exists=True)
    needs = {step.key: step.needs for step in found.steps}

    assert needs["remove volume shop_data"] == ("remove container shop-db-1",)
    assert set(needs["remove network shop_default"]) == {"remove container shop-db-1", "remove container shop-web-1"}


def test_only_what_goes_away_is_told_to_leave() -> None:
    world = World().add(wanted(stack(*WEB_ON_DB)))
    down = plan_down("shop", world.observed, DownOptions(), exists=True)
    stop = plan_stop("shop", world.observed.containers)

    assert [step.action.leaves for step in down.steps if isinstance(step.action, StopContainer)] == [True, True]
    assert [step.action.leaves for step in stop.steps if isinstance(step.action, StopContainer)] == [False, False]
