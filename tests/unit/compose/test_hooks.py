"""Hooks, from the file's words to the specification."""

import re
from collections.abc import Callable, Iterable

import msgspec.structs

from compose.deciding.fingerprint import changes
from compose.deciding.options import OneOff
from compose.deciding.plan_life import plan_start
from compose.deciding.steps import CreateContainer, Plan
from compose.deciding.translate_lives import hooks, hooks_before
from compose.model import Hook, Stack, UpdatePolicy
from engine.images.model import Image, ImageConfig
from engine.spec import ContainerSpec
from engine.spec import Hook as SpecHook
from engine.state import ContainerRecord, ContainerState
from tests.unit.compose.planning import World, service, stack, up, wanted

Read = Callable[..., Stack]
FILE = """
services:
  web:
    image: bb
    post_start:
      - command: touch "/two words"
        user: root
        privileged: true
        working_dir: /srv
        environment: [A=1, B]
      - command: [sync]
    pre_stop:
      - command: [drain, --all]
        environment: {C: 2}
"""


def test_a_hook_is_a_program_with_what_it_has_of_its_own(read: Read) -> None:
    web = read(FILE).services["web"]

    assert web.post_start == (
        Hook(
            command=("touch", "/two words"),
            user="root",
            privileged=True,
            working_dir="/srv",
            environment={"A": "1"},
        ),
        Hook(command=("sync",)),
    )
    assert hooks(web.pre_stop) == (SpecHook(argv=("drain", "--all"), environment={"C": "2"}),)


def test_a_hook_without_a_command_hinders_what_starts_something(read: Read) -> None:
    found = read("services:\n  web:\n    image: bb\n    post_start:\n      - command: []\n")

    assert [(each.place.line, each.message) for each in found.obstacles] == [
        (5, "services.web.post_start[0] has no command")
    ]


def test_a_changed_hook_asks_for_a_new_container() -> None:
    def spec(*commands: str) -> ContainerSpec:
        found = stack(service("web", post_start=tuple(Hook(command=(command,)) for command in commands)))
        return wanted(found).services[0].specs[0]

    assert changes(spec("one"), spec("one")) == ()
    assert changes(spec("one"), spec("two")) == ("post_start changed",)


MIGRATE = Hook(command=("migrate",))
WARM_UP = Hook(command=("warm-up",), per_replica=True)


def of(**fields: object) -> Stack:
    return stack(service("web", replicas=2, pre_start=(MIGRATE, WARM_UP), **fields))


def short(keys: Iterable[str]) -> list[str]:
    """Without what makes names unique."""
    return [re.sub(r"(pre_start-\d)-[0-9a-f]{6}", r"\1", key) for key in keys]


def hooks_of(found: Plan) -> list[str]:
    return [key for key in short(step.key for step in found.steps) if "pre_start" in key]


def started(world: World) -> World:
    for name in list(world.containers):
        world.put(name, started_ns=1)
    return world


def test_pre_start_hooks_run_in_order_once_or_for_each_replica_before_the_first_start() -> None:
    found = up(of(), World())
    steps = dict(zip(short(step.key for step in found.steps), found.steps, strict=True))

    assert [key for key in hooks_of(found) if key.startswith("create")] == [
        "create container shop-web-pre_start-1",
        "create container shop-web-pre_start-2",
        "create container shop-web-pre_start-2",
    ]
    first = steps["create container shop-web-pre_start-1"]
    assert first.needs[0] == "create container shop-web-1"
    assert short(steps["start container shop-web-2"].needs) == [
        "create container shop-web-2",
        "remove container shop-web-pre_start-1",
        "remove container shop-web-pre_start-2",
    ]
    assert isinstance(first.action, CreateContainer)
    assert first.action.spec.process.argv == ("migrate",)
    assert first.action.spec.labels["com.docker.compose.oneoff"] == "True"


def test_what_was_started_before_has_had_its_hooks() -> None:
    world = started(World().add(wanted(of())))
    assert up(of(), world).steps == ()
    world.put("shop-web-1", status="exited", exit_code=1)
    assert hooks_of(up(of(), world)) == []


def test_a_new_definition_runs_them_again_and_one_more_replica_only_its_own() -> None:
    world = started(World().add(wanted(of())))
    assert len(hooks_of(up(of(environment={"A": "1"}), world))) == 3 * 4
    more = [key for key in hooks_of(up(of(), world, scale={"web": 3})) if key.startswith("create")]
    assert more == ["create container shop-web-pre_start-2"]


def test_a_hook_that_failed_is_removed_and_runs_again() -> None:
    world = World().add(wanted(of()))
    for name in ("shop-web-1", "shop-web-2"):
        world.put(name, status="created")
    made = next(step.action for step in up(of(), World()).steps if "pre_start-1" in step.key)
    assert isinstance(made, CreateContainer)
    failed = msgspec.structs.replace(made.spec, id="f" * 64, name="shop-web-pre_start-1-ffffff")
    world.containers[failed.name] = ContainerRecord(
        spec=failed, state=ContainerState(id=failed.id, status="exited", exit_code=3, started_ns=1)
    )
    found = up(of(), world)
    keys = [step.key for step in found.steps]
    assert found.warnings == ()
    removal = keys.index("remove container shop-web-pre_start-1-ffffff")
    assert removal < min(number for number, key in enumerate(keys) if key.startswith("create") and "pre_start" in key)
    assert len(hooks_of(found)) == 3 * 4 + 1


def test_replicas_that_are_updated_in_turn_have_theirs_before_they_start() -> None:
    policy = UpdatePolicy(order="start-first")
    world = started(World().add(wanted(of(update=policy))))
    steps = {step.key: step for step in up(of(update=policy, environment={"A": "1"}), world).steps}
    starts = [step for key, step in steps.items() if key.startswith("start") and "pre_start" not in key]

    assert [len([key for key in step.needs if "pre_start" in key]) for step in starts] == [2, 2]


def test_a_hook_in_an_image_of_its_own_takes_from_it_what_the_file_leaves_out(read: Read) -> None:
    file = """
services:
  web:
    image: bb
    user: www
    environment: {COLOUR: red}
    pre_start:
      - image: tools
      - {image: tools, command: [fix], user: root, environment: {MODE: fast}}
"""
    config = ImageConfig(
        entrypoint=("run",), command=("all",), user="worker", working_directory="/w", environment={"PATH": "/bin"}
    )
    image = Image(id="sha256:t", created_ns=0, architecture="amd64", config=config, layers=("sha256:9",))
    plain, fixed = hooks_before(read(file).services["web"], {"tools": image})

    assert plain.argv == ("run", "all")
    assert (plain.user, plain.working_directory, plain.layers) == ("worker", "/w", ("sha256:9",))
    assert plain.environment == {"PATH": "/bin", "COLOUR": "red"}
    assert (fixed.argv, fixed.user) == (("run", "fix"), "root")
    assert fixed.environment == {"PATH": "/bin", "COLOUR": "red", "MODE": "fast"}


def test_start_runs_the_hooks_of_what_was_only_made() -> None:
    world = World().add(wanted(of()))
    for name in ("shop-web-1", "shop-web-2"):
        world.put(name, status="created")
    records = tuple(world.containers.values())
    assert [key for key in hooks_of(plan_start("shop", records, ())) if key.startswith("create")] == [
        "create container shop-web-pre_start-1",
        "create container shop-web-pre_start-2",
        "create container shop-web-pre_start-2",
    ]
    assert hooks_of(plan_start("shop", tuple(started(world).containers.values()), ())) == []


def test_run_has_them_run_first_unless_the_service_has_had_them() -> None:
    one_off = OneOff(service="web", name="shop-web-run-1")
    keys = [step.key for step in up(of(), World(), one_off=one_off).steps]
    assert len(hooks_of(up(of(), World(), one_off=one_off))) == 2 * 4
    assert keys[-1] == "create container shop-web-run-1"
    world = started(World().add(wanted(of())))
    assert hooks_of(up(of(environment={"A": "1"}), world, one_off=one_off)) == []
