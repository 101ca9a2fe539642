"""Plans as golden text, scenario by scenario."""

import itertools

import msgspec.structs
import pytest

from compose.deciding.choices import ImageChoice, ImageNeed
from compose.deciding.observed import Observed
from compose.deciding.options import Options
from compose.deciding.plan import plan
from compose.deciding.plan_down import DownOptions, plan_down
from compose.deciding.steps import Draft, StopContainer
from compose.deciding.wanted import wanted_stack
from compose.errors import FileError, StackError, UsageError
from compose.model import (
    Dependency,
    Mount,
    Network,
    Port,
    Volume,
)
from compose.showing.plan_text import plan_json
from tests.unit.compose.planning import CHECK, OTHER_IMAGE, WEB_ON_DB, World, golden, service, stack, text, up, wanted


def test_a_new_stack_is_made_in_the_order_of_its_dependencies() -> None:
    assert text(up(stack(*WEB_ON_DB), World())) == golden("""
        Stack shop:
          create          network    shop_default  new network
          create          volume     shop_data     new volume
          create          container  shop-db-1     new service
          start           container  shop-db-1     new service
          create          container  shop-web-1    new service
          wait (healthy)  container  shop-db-1     db must be healthy
          start           container  shop-web-1    new service
        1 network to create, 1 volume to create, 2 containers to create, 2 containers to start.
    """)


def test_creating_waits_for_networks_and_volumes_alone_and_starting_for_the_dependencies() -> None:
    steps = {step.key: step for step in up(stack(*WEB_ON_DB), World()).steps}

    assert steps["create container shop-web-1"].needs == ("create network shop_default",)
    assert steps["create container shop-db-1"].needs == ("create network shop_default", "create volume shop_data")
    assert steps["start container shop-web-1"].needs == (
        "create container shop-web-1",
        "wait container shop-db-1 healthy",
    )


def test_a_second_up_plans_nothing_and_says_so() -> None:
    of = stack(*WEB_ON_DB)
    found = up(of, World().add(wanted(of)))

    assert found.steps == ()
    assert found.unchanged == ("shop-db-1", "shop-web-1")
    assert text(found) == "Stack shop is as its file asks: nothing to do.\n"


def test_a_changed_value_recreates_its_container_alone_and_is_named() -> None:
    before = stack(service("web", environment={"DEBUG": "0"}), service("db"))
    after = stack(service("web", environment={"DEBUG": "1"}), service("db"))

    assert text(up(after, World().add(wanted(before)))) == golden("""
        Stack shop:
          stop    container  shop-web-1  environment.DEBUG changed: '0' -> '1'
          remove  container  shop-web-1  environment.DEBUG changed: '0' -> '1'
          create  container  shop-web-1  environment.DEBUG changed: '0' -> '1'
          start   container  shop-web-1  environment.DEBUG changed: '0' -> '1'
        1 container to stop, 1 container to remove, 1 container to create, 1 container to start, 1 unchanged.
    """)


def test_a_changed_image_replaces_the_container_and_dependants_that_ask_for_it_restart_around_it() -> None:
    of = stack(
        service("db"),
        service("web", depends_on=(Dependency(service="db", restart=True),)),
        service("log", depends_on=(Dependency(service="db"),)),
    )
    world = World().add(wanted(of))
    other = wanted(of, OTHER_IMAGE)
    changed = msgspec.structs.replace(
        wanted(of), services=tuple(each for each in other.services if each.name == "db") + wanted(of).services[1:]
    )

    assert text(plan(changed, world.observed)) == golden("""
        Stack shop:
          stop    container  shop-web-1  depends on db, which is recreated
          stop    container  shop-db-1   image changed: sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb
          remove  container  shop-db-1   image changed: sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb
          create  container  shop-db-1   image changed: sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb
          start   container  shop-db-1   image changed: sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb
          start   container  shop-web-1  depends on db, which is recreated
        2 containers to stop, 1 container to remove, 1 container to create, 2 containers to start, 1 unchanged.
    """)


def test_scaling_down_removes_the_highest_numbers() -> None:
    world = World().add(wanted(stack(service("web", replicas=3))))

    assert text(up(stack(service("web", replicas=2)), world)) == golden("""
        Stack shop:
          stop    container  shop-web-3  scaled from 3 to 2
          remove  container  shop-web-3  scaled from 3 to 2
        1 container to stop, 1 container to remove, 2 unchanged.
    """)


def test_scaling_up_by_the_command_line_keeps_what_runs() -> None:
    of = stack(service("web"))

    assert text(up(of, World().add(wanted(of)), scale={"web": 2})) == golden("""
        Stack shop:
          create  container  shop-web-2  scaled from 1 to 2
          start   container  shop-web-2  scaled from 1 to 2
        1 container to create, 1 container to start, 1 unchanged.
    """)


def test_exited_containers_are_started_again_once_their_dependencies_are_healthy() -> None:
    of = stack(*WEB_ON_DB)
    world = World().add(wanted(of)).put("shop-web-1", status="exited", exit_code=3).put("shop-db-1", health="starting")

    assert text(up(of, world)) == golden("""
        Stack shop:
          wait (healthy)  container  shop-db-1   db must be healthy
          start           container  shop-web-1  exited with status 3
        1 container to start, 1 unchanged.
    """)


def test_what_an_interrupted_up_left_half_made_is_finished() -> None:
    of = stack(*WEB_ON_DB)
    world = World().add(wanted(of)).put("shop-db-1", status="created", health="starting")
    del world.containers["shop-web-1"]

    assert text(up(of, world)) == golden("""
        Stack shop:
          start           container  shop-db-1   not started yet
          create          container  shop-web-1  new service
          wait (healthy)  container  shop-db-1   db must be healthy
          start           container  shop-web-1  new service
        2 containers to start, 1 container to create.
    """)


def test_what_was_removed_half_way_is_removed_and_made_again() -> None:
    of = stack(service("web"))
    world = World().add(wanted(of)).put("shop-web-1", status="exited", half_removed=True)
    assert text(up(of, world, no_recreate=True)) == golden("""
        Stack shop:
          remove  container  shop-web-1  its removal failed half way
          create  container  shop-web-1  its removal failed half way
          start   container  shop-web-1  its removal failed half way
        1 container to remove, 1 container to create, 1 container to start.
    """)


def test_containers_on_a_network_that_is_gone_are_made_again() -> None:
    of = stack(service("web"))
    world = World().add(wanted(of))
    world.networks.clear()
    assert text(up(of, world)) == golden("""
        Stack shop:
          create  network    shop_default  gone, though containers are on it
          stop    container  shop-web-1    network shop_default is gone
          remove  container  shop-web-1    network shop_default is gone
          create  container  shop-web-1    network shop_default is gone
          start   container  shop-web-1    network shop_default is gone
        1 network to create, 1 container to stop, 1 container to remove, 1 container to create, 1 container to start.
    """)


def test_forced_recreation_concerns_the_selected_services() -> None:
    of = stack(*WEB_ON_DB)
    found = up(of, World().add(wanted(of)), services=("web",), force_recreate=True)

    assert [(step.key, step.cause) for step in found.steps] == [
        ("stop container shop-web-1", "--force-recreate"),
        ("remove container shop-web-1", "--force-recreate"),
        ("create container shop-web-1", "--force-recreate"),
        ("start container shop-web-1", "--force-recreate"),
    ]


def test_selected_services_bring_their_dependencies_unless_told_otherwise() -> None:
    of = stack(*WEB_ON_DB, service("other"))

    assert [each.name for each in wanted(of, services=("web",)).services] == ["db", "web"]
    assert [each.name for each in wanted(of, services=("web",), no_dependencies=True).services] == ["web"]


def test_a_service_that_does_not_exist_cannot_be_selected() -> None:
    with pytest.raises(UsageError, match="no such service: wbe"):
        wanted(stack(service("web")), services=("wbe",))


def test_orphans_are_told_of_and_removed_when_asked() -> None:
    world = World().add(wanted(stack(service("web"), service("old"))))
    of = stack(service("web"))

    assert up(of, world).steps == ()
    assert up(of, world).warnings == (
        "orphan containers (shop-old-1) of services that the file no longer has; --remove-orphans removes them",
    )
    assert text(up(of, world, remove_orphans=True)) == golden("""
        Stack shop:
          stop    container  shop-old-1  orphan: the file has no service old
          remove  container  shop-old-1  orphan: the file has no service old
        1 container to stop, 1 container to remove, 1 unchanged.
    """)


def test_containers_of_a_service_whose_profile_is_off_are_no_orphans() -> None:
    world = World().add(wanted(stack(service("web"), service("debug"))))

    assert up(stack(service("web"), disabled={"debug": service("debug")}), world).warnings == ()


def test_a_changed_network_is_made_anew_with_everything_on_it() -> None:
    of = stack(service("web"))
    closed = stack(service("web"), networks={"default": Network(key="default", name="shop_default", internal=True)})

    assert text(up(closed, World().add(wanted(of)))) == golden(
        """
        Stack shop:
          stop    container  shop-web-1    network shop_default: internal changed: false -> true
          remove  container  shop-web-1    network shop_default: internal changed: false -> true
          remove  network    shop_default  internal changed: false -> true
          create  network    shop_default  internal changed: false -> true
          create  container  shop-web-1    network shop_default: internal changed: false -> true
          start   container  shop-web-1    network shop_default: internal changed: false -> true
        1 container to stop, 1 container to remove, 1 network to remove, 1 network to create, """
        """1 container to create, 1 container to start.
    """
    )


def test_an_image_that_must_be_built_comes_before_its_containers() -> None:
    of = stack(service("web", image="shop-web"))
    need = ImageNeed(builder="web", cause="not built yet")
    ids = (f"{number:064x}" for number in itertools.count(1))
    wish = wanted_stack(of, {"web": ImageChoice(name="shop-web", need=need)}, Options(), new_id=lambda: next(ids))

    assert text(plan(wish, Observed())) == golden("""
        Stack shop:
          build   image      shop-web      not built yet
          create  network    shop_default  new network
          create  container  shop-web-1    new service
          start   container  shop-web-1    new service
        1 image to build, 1 network to create, 1 container to create, 1 container to start.
    """)


def test_waiting_is_for_health_where_there_is_a_check_and_else_for_half_a_second_of_running() -> None:
    of = stack(*WEB_ON_DB)
    keys = [step.key for step in up(of, World(), wait=True).steps if step.key.startswith("wait")]

    assert keys == ["wait container shop-db-1 healthy", "wait container shop-web-1 running"]


def test_a_dependency_that_is_not_required_may_fail_unless_all_is_waited_for() -> None:
    optional = Dependency(service="db", condition="service_healthy", required=False)
    of = stack(service("web", depends_on=(optional,)), service("db", healthcheck=CHECK))
    key = "wait container shop-db-1 healthy"

    assert {step.key: step for step in up(of, World()).steps}[key].optional
    assert not {step.key: step for step in up(of, World(), wait=True).steps}[key].optional


def test_a_dependency_that_is_not_required_only_comes_first() -> None:
    of = stack(service("web", depends_on=(Dependency(service="db", required=False),)), service("db"))
    step = {step.key: step for step in up(of, World()).steps}["start container shop-web-1"]

    assert step.needs == ("create container shop-web-1",)
    assert step.after == ("start container shop-db-1",)


def test_a_stack_of_another_directory_is_not_touched() -> None:
    world = World().add(wanted(stack(service("web"), directory="/first")))

    with pytest.raises(StackError, match="stack shop belongs to /first, not to /second") as caught:
        up(stack(service("web"), directory="/second"), world)
    assert "windlass -p shop down" in caught.value.hint


def test_a_stack_of_another_directory_is_taken_over_when_asked() -> None:
    world = World().add(wanted(stack(service("web"), directory="/first")))
    steps = up(stack(service("web"), directory="/second"), world, adopt=True).steps

    assert [step.key.split()[0] for step in steps] == ["stop", "remove", "create", "start"]
    assert {step.cause for step in steps} == {"taken over from /first"}


def test_a_missing_external_volume_is_named() -> None:
    of = stack(
        service("web", mounts=(Mount(type="volume", source="data", target="/d"),)),
        volumes={"data": Volume(key="data", name="elsewhere", external=True)},
    )
    with pytest.raises(StackError, match="external volume elsewhere does not exist"):
        up(of, World())


def test_replicas_share_a_host_port_unless_its_mode_is_host() -> None:
    of = stack(service("web", replicas=2, ports=(Port(target=80, published="8080"),)))

    assert [spec.ports[0].host_port for spec in wanted(of).services[0].specs] == [8080, 8080]
    of = stack(service("web", replicas=2, ports=(Port(target=80, published="8080", mode="host"),)))
    with pytest.raises(FileError, match="publishes port 8080 in mode host, but has 2 replicas"):
        wanted(of)


def test_a_chain_of_a_thousand_services_is_planned() -> None:
    services = [
        service(f"s{number}", depends_on=(Dependency(service=f"s{number + 1}", restart=True),))
        for number in range(1000)
    ]
    of = stack(*services, service("s1000"))

    assert len(up(of, World()).steps) == 1 + 2 * 1001
    assert len(plan_down("shop", World().add(wanted(of)).observed, DownOptions(), exists=True).steps) == 2004


def test_a_plan_reads_as_json() -> None:
    of = stack(service("web"))
    world = World().add(wanted(of)).put("shop-web-1", status="exited", exit_code=1)

    assert plan_json(up(of, world)) == {
        "stack": "shop",
        "steps": [
            {
                "key": "start container shop-web-1",
                "verb": "start",
                "kind": "container",
                "name": "shop-web-1",
                "cause": "exited with status 1",
                "needs": [],
                "after": [],
            }
        ],
        "unchanged": [],
        "finished": [],
        "warnings": [],
    }


def test_steps_that_wait_for_each_other_are_a_bug_that_is_told() -> None:
    draft = Draft()
    one = draft.add(StopContainer(id="1", name="one"), "stop", needs=("stop container two",))
    draft.add(StopContainer(id="2", name="two"), "stop", needs=(one,))
    with pytest.raises(AssertionError, match="wait for each other: stop container one, stop container two"):
        draft.sorted()


def test_up_asks_for_the_start_of_what_sigkill_has_not_ended() -> None:
    of = stack(service("web"))
    world = World().add(wanted(of)).put("shop-web-1", unkillable="it hangs")

    assert [(step.key, step.cause) for step in up(of, world).steps] == [
        ("start container shop-web-1", "SIGKILL has not ended it")
    ]
