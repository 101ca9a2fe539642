"""Replicas replaced one after the other: plans as golden text, and what becomes of updates that fail or are cut off."""

import itertools

import msgspec.structs

from compose.deciding.choices import ImageChoice
from compose.deciding.options import Options
from compose.deciding.plan import plan
from compose.deciding.rollbacks import plan_aftermath, plan_rollback
from compose.deciding.steps import CreateContainer, Plan, RemoveContainer, RenameContainer, Roll
from compose.deciding.wanted import wanted_stack
from compose.model import Dependency, Healthcheck, Network, ServiceNetwork, Stack, UpdatePolicy
from engine.state import ContainerRecord, ContainerState
from tests.unit.compose.planning import IMAGE, World, golden, service, stack, text

START_FIRST = UpdatePolicy(order="start-first")
EIGHTS = ("8" * 11 + str(number) for number in itertools.count())


def shop(policy: UpdatePolicy | None, replicas: int = 2, **fields: object) -> Stack:
    return stack(service("web", replicas=replicas, update=policy, **fields))


def update(of: Stack, world: World, first_id: int = 16, **options: object) -> Plan:
    ids = (f"{number:012x}{'0' * 52}" for number in itertools.count(first_id))
    images = {name: ImageChoice(name="bb", image=IMAGE) for name in of.services}
    return plan(wanted_stack(of, images, Options(**options), new_id=lambda: next(ids)), world.observed)  # type: ignore[arg-type]


def world_of(of: Stack) -> World:
    return carried_out(update(of, World(), 1), World())


def carried_out(found: Plan, world: World, steps: int | None = None) -> World:
    """The world after the first steps of a plan (all of them if not told), as the supervisor would leave it."""
    by_id = {record.spec.id: record for record in world.containers.values()}
    for step in found.steps[:steps]:
        match step.action:
            case CreateContainer(spec=spec):
                by_id[spec.id] = ContainerRecord(spec=spec, state=ContainerState(id=spec.id))
            case RemoveContainer(id=id_):
                del by_id[id_]
            case RenameContainer(id=id_, new_name=name):
                record = by_id[id_]
                by_id[id_] = ContainerRecord(spec=msgspec.structs.replace(record.spec, name=name), state=record.state)
            case action if step.key.split()[1] == "container":
                changes = {
                    "start": {"status": "running", "aside": getattr(action, "aside", False)},
                    "admit": {"aside": False},
                    "retire": {"aside": True},
                    "stop": {"status": "exited", "exit_code": 0},
                }.get(step.key.split()[0], {})
                record = by_id[action.id]  # type: ignore[union-attr]
                by_id[record.spec.id] = ContainerRecord(
                    spec=record.spec, state=msgspec.structs.replace(record.state, **changes)
                )
    after = World(networks=dict(world.networks))
    after.add(msgspec.structs.replace(NOTHING, networks=NETWORKS))
    after.containers = {record.spec.name: record for record in by_id.values()}
    return after


NOTHING = wanted_stack(stack(), {}, Options(), new_id=str)
NETWORKS = wanted_stack(
    stack(service("web")), {"web": ImageChoice(name="bb", image=IMAGE)}, Options(), new_id=str
).networks
OLD, NEW = {"environment": {"V": "1"}}, {"environment": {"V": "2"}}
CHANGE = "environment.V changed: '1' -> '2'"
COUNTED = (
    ", ".join(f"2 containers to {verb}" for verb in ("create", "start", "admit", "retire", "stop", "remove", "rename"))
    + "."
)
COUNTED_STOP_FIRST = (
    ", ".join(f"2 containers to {verb}" for verb in ("retire", "stop", "remove", "create", "start", "admit", "watch"))
    + ", 1 service to rest."
)


def test_start_first_lets_the_new_one_in_before_the_old_one_retires() -> None:
    found = update(shop(START_FIRST, **NEW), world_of(shop(START_FIRST, **OLD)))

    assert text(found) == golden(f"""
        Stack shop:
          create  container  000000000010_shop-web-1  {CHANGE}
          start   container  000000000010_shop-web-1  {CHANGE}
          admit   container  000000000010_shop-web-1  {CHANGE}
          retire  container  shop-web-1               {CHANGE}
          stop    container  shop-web-1               {CHANGE}
          remove  container  shop-web-1               {CHANGE}
          rename  container  000000000010_shop-web-1  {CHANGE}
          create  container  000000000011_shop-web-2  {CHANGE}
          start   container  000000000011_shop-web-2  {CHANGE}
          admit   container  000000000011_shop-web-2  {CHANGE}
          retire  container  shop-web-2               {CHANGE}
          stop    container  shop-web-2               {CHANGE}
          remove  container  shop-web-2               {CHANGE}
          rename  container  000000000011_shop-web-2  {CHANGE}
        {COUNTED}
    """)


def test_stop_first_takes_the_old_one_out_first_and_watches_the_new_one() -> None:
    policy = UpdatePolicy(delay_seconds=2, monitor_seconds=1)
    found = update(shop(policy, **NEW), world_of(shop(policy, **OLD)))

    assert text(found) == golden(f"""
        Stack shop:
          retire  container  shop-web-1  {CHANGE}
          stop    container  shop-web-1  {CHANGE}
          remove  container  shop-web-1  {CHANGE}
          create  container  shop-web-1  {CHANGE}
          start   container  shop-web-1  {CHANGE}
          admit   container  shop-web-1  {CHANGE}
          watch   container  shop-web-1  {CHANGE}
          rest    service    web         2s between updates
          retire  container  shop-web-2  {CHANGE}
          stop    container  shop-web-2  {CHANGE}
          remove  container  shop-web-2  {CHANGE}
          create  container  shop-web-2  {CHANGE}
          start   container  shop-web-2  {CHANGE}
          admit   container  shop-web-2  {CHANGE}
          watch   container  shop-web-2  {CHANGE}
        {COUNTED_STOP_FIRST}
    """)


def test_parallelism_says_how_many_change_at_a_time() -> None:
    def first_waits(parallelism: int) -> list[tuple[str, ...]]:
        policy = UpdatePolicy(order="start-first", parallelism=parallelism)
        found = update(shop(policy, 4, **NEW), world_of(shop(policy, 4, **OLD)))
        return [step.after for step in found.steps if step.key.startswith("create")]

    renamed = [f"rename container {16 + number:012x}_shop-web-{number + 1}" for number in range(4)]
    assert first_waits(2) == [(), (), (renamed[0], renamed[1]), (renamed[0], renamed[1])]
    assert first_waits(0) == [(), (), (), ()]


def test_an_update_cut_off_anywhere_is_finished_by_the_next_and_nothing_is_left() -> None:
    for policy in (START_FIRST, UpdatePolicy(), UpdatePolicy(order="start-first", parallelism=0)):
        before = world_of(shop(policy, **OLD))
        found = update(shop(policy, **NEW), before)
        for steps in range(len(found.steps) + 1):
            cut = carried_out(found, before, steps)
            after = carried_out(update(shop(policy, **NEW), cut, 64), cut)

            assert sorted(after.containers) == ["shop-web-1", "shop-web-2"], steps
            for record in after.containers.values():
                assert record.spec.process.environment == {"V": "2"}
                assert (record.state.status, record.state.aside) == ("running", False)
            assert update(shop(policy, **NEW), after, 128).steps == ()


def test_an_update_cut_off_is_taken_back_by_the_old_file() -> None:
    before = world_of(shop(START_FIRST, **OLD))
    found = update(shop(START_FIRST, **NEW), before)
    cut = carried_out(found, before, 4)

    assert [step.key for step in update(shop(START_FIRST, **OLD), cut, 64).steps] == [
        "admit container shop-web-1",
        "retire container 000000000010_shop-web-1",
        "stop container 000000000010_shop-web-1",
        "remove container 000000000010_shop-web-1",
    ]


def test_one_more_replica_of_such_a_service_is_let_in_when_it_is_ready() -> None:
    world = world_of(shop(START_FIRST, 2))

    assert [step.key for step in update(shop(START_FIRST, 3), world).steps] == [
        "create container shop-web-3",
        "start container shop-web-3",
        "admit container shop-web-3",
    ]


def test_dependants_wait_until_the_new_ones_are_let_in() -> None:
    web = service("web", update=START_FIRST, healthcheck=Healthcheck(test=("CMD", "true")), **NEW)
    of = stack(web, service("log", depends_on=(Dependency(service="web", condition="service_healthy"),)))
    steps = {step.key: step for step in update(of, world_of(shop(START_FIRST, 1, **OLD))).steps}

    assert steps["start container shop-log-1"].needs == (
        "create container shop-log-1",
        "admit container 000000000010_shop-web-1",
    )


def test_a_container_with_an_address_of_its_own_is_stopped_first() -> None:
    fixed = {"networks": (ServiceNetwork(network="default", ipv4_address="172.16.0.9"),)}
    found = update(shop(START_FIRST, 1, **NEW, **fixed), world_of(shop(START_FIRST, 1, **OLD, **fixed)))

    assert found.steps[0].key == "retire container shop-web-1"
    assert found.warnings == ("web has an address of its own, so an update stops its container first",)


def test_where_the_network_is_made_anew_all_are_replaced_at_once() -> None:
    def on(subnet: str) -> Stack:
        networks = {"default": Network(key="default", name="shop_default", subnet=subnet)}
        return stack(service("web", replicas=2, update=START_FIRST), networks=networks)

    found = update(on("172.20.0.0/24"), world_of(on("")))

    assert [step.key for step in found.steps if "network" in step.key.split()] == [
        "remove network shop_default",
        "create network shop_default",
    ]
    assert found.rolls == ()


def test_without_update_config_all_replicas_are_replaced_at_once() -> None:
    found = update(shop(None, **NEW), world_of(shop(None, **OLD)))

    assert [step.key.split()[0] for step in found.steps] == ["stop", "remove", "create", "start"] * 2
    assert found.rolls == ()


def test_as_many_may_fail_as_the_file_says() -> None:
    def tolerated(policy: UpdatePolicy) -> int:
        return update(shop(policy, 4, **NEW), world_of(shop(policy, 4, **OLD))).rolls[0].tolerated

    assert tolerated(UpdatePolicy()) == 0
    assert tolerated(UpdatePolicy(max_failure_ratio=0.5)) == 2
    assert tolerated(UpdatePolicy(failure_action="continue")) == 4


def aftermath(of: Roll, before: World, now: World) -> Plan:
    return plan_aftermath(
        "shop", (of,), before.containers.values(), now.containers.values(), {}, lambda: next(EIGHTS) + "0" * 52
    )


def test_a_failed_update_goes_back_to_what_there_was() -> None:
    policy = UpdatePolicy(order="start-first", failure_action="rollback")
    before = world_of(shop(policy, **OLD))
    found = update(shop(policy, **NEW), before)
    second = next(number for number, step in enumerate(found.steps) if step.key.startswith("admit") and number > 4)
    now = carried_out(found, before, second).put("000000000011_shop-web-2", status="exited", exit_code=3)
    back = aftermath(found.rolls[0], before, now)

    assert {step.cause for step in back.steps} == {"the update failed"}
    assert [step.key for step in back.steps if step.key.endswith("shop-web-2")] == [
        "remove container 000000000011_shop-web-2"
    ]
    after = carried_out(back, now)
    assert sorted(after.containers) == ["shop-web-1", "shop-web-2"]
    assert [record.spec.process.environment for record in after.containers.values()] == [{"V": "1"}] * 2
    assert update(shop(policy, **OLD), after, 128).steps == ()


def test_a_paused_update_stops_what_failed_and_keeps_it() -> None:
    before = world_of(shop(START_FIRST, **OLD))
    found = update(shop(START_FIRST, **NEW), before)
    now = carried_out(found, before, 2).put("000000000010_shop-web-1", status="restarting")

    assert text(aftermath(found.rolls[0], before, now)) == golden("""
        Stack shop:
          stop  container  000000000010_shop-web-1  the update failed: it is kept to be looked at
        1 container to stop.
    """)


def test_a_rollback_goes_to_the_version_before_and_the_next_one_forward_again() -> None:
    before = world_of(shop(START_FIRST, **OLD))
    new = carried_out(update(shop(START_FIRST, **NEW), before), before)

    def back(world: World) -> World:
        found = plan_rollback(
            "shop", tuple(world.containers.values()), (), {"web": START_FIRST}, lambda: next(EIGHTS) + "0" * 52
        )
        return carried_out(found, world)

    def versions(world: World) -> list[dict[str, str]]:
        return [record.spec.process.environment for record in world.containers.values()]

    old = back(new)
    assert versions(old) == [{"V": "1"}] * 2
    assert sorted(old.containers) == ["shop-web-1", "shop-web-2"]
    assert versions(back(old)) == [{"V": "2"}] * 2


def test_what_was_never_changed_has_nothing_to_go_back_to() -> None:
    world = world_of(shop(START_FIRST))

    assert plan_rollback("shop", tuple(world.containers.values()), (), {}, str).steps == ()
