"""Plans for containers that exist, as lists of steps."""

import msgspec.structs

from compose import naming
from compose.deciding.plan_life import (
    of_services,
    plan_kill,
    plan_pause,
    plan_restart,
    plan_rm,
    plan_start,
    plan_unpause,
    with_restarted_dependants,
)
from compose.deciding.steps import Plan
from engine.spec import ContainerSpec, HealthProbe, Process, VolumeMount
from engine.state import ContainerRecord, ContainerState


def record(service: str, status: str = "running", *, needs: str = "", **fields: object) -> ContainerRecord:
    """A container; `needs` is the label of its service's dependencies."""
    state = {name: fields.pop(name) for name in ("health", "paused", "unkillable") if name in fields}
    labels = {naming.DEPENDS_ON: needs, naming.ONE_OFF: str(fields.pop("one_off", False))}
    spec = ContainerSpec(
        **{
            "id": service * 3,
            "name": f"shop-{service}-1",
            "stack": "shop",
            "service": service,
            "number": 1,
            "image_id": "",
            "image_name": "",
            "layers": (),
            "process": Process(argv=("serve",)),
            "hostname": "",
            "config_hash": "",
            "labels": labels,
            **fields,
        }
    )
    return ContainerRecord(spec=spec, state=ContainerState(id=spec.id, status=status, **state))


def keys(plan: Plan) -> list[str]:
    return [f"{step.key} <- {', '.join(step.needs)}" if step.needs else step.key for step in plan.steps]


def test_start_waits_for_what_its_dependencies_conditions_say() -> None:
    shop = (
        record("web", "exited", needs="db:service_healthy:false,cache:service_started:false,init:x:true"),
        record("db", "exited"),
        record("cache", "created"),
        record("other", "exited"),
    )
    plan = plan_start("shop", shop, ("web",))
    assert keys(plan) == [
        "start container shop-db-1",
        "wait container shop-db-1 healthy <- start container shop-db-1",
        "start container shop-cache-1",
        "start container shop-web-1 <- wait container shop-db-1 healthy, start container shop-cache-1",
    ]


def test_start_leaves_what_runs_and_waits_for_its_health_if_asked() -> None:
    assert plan_start("shop", (record("web"), record("db", "exited")), ()).unchanged == ("shop-web-1",)
    sick = record("web")
    probed = msgspec.structs.replace(sick.spec, health=HealthProbe(argv=("true",)))
    with_probe = ContainerRecord(spec=probed, state=sick.state)
    assert keys(plan_start("shop", (with_probe,), (), wait=True)) == ["wait container shop-web-1 healthy"]


def test_what_sigkill_has_not_ended_does_not_count_as_running() -> None:
    assert keys(plan_start("shop", (record("web", unkillable="it hangs"),), ())) == ["start container shop-web-1"]


def test_restart_stops_dependants_first_and_starts_them_last() -> None:
    shop = (record("web", needs="db:service_started:true"), record("db"), record("cache"))
    assert keys(plan_restart("shop", shop, ("db",))) == [
        "stop container shop-web-1",
        "stop container shop-db-1",
        "start container shop-db-1 <- stop container shop-db-1",
        "start container shop-web-1 <- stop container shop-web-1, start container shop-db-1",
    ]
    assert keys(plan_restart("shop", shop, ("db",), no_dependants=True)) == [
        "stop container shop-db-1",
        "start container shop-db-1 <- stop container shop-db-1",
    ]


def test_dependants_of_dependants_are_restarted_too() -> None:
    shop = (
        record("web", needs="api:service_started:true"),
        record("api", needs="db:service_healthy:true"),
        record("db"),
        record("cron", needs="db:service_started:false"),
    )
    assert with_restarted_dependants(shop, ("db",)) == ("db", "api", "web")


def test_what_run_made_is_nobodys_replica() -> None:
    shop = (record("web"), record("web", one_off=True))
    assert of_services(shop, ()) == shop[:1]


def test_signals_and_pauses_go_to_what_runs() -> None:
    shop = (record("web"), record("db", "exited"), record("cache", paused=True))
    assert keys(plan_kill("shop", shop, (), signal="SIGHUP")) == [
        "kill container shop-web-1",
        "kill container shop-cache-1",
    ]
    assert keys(plan_pause("shop", shop, ())) == ["pause container shop-web-1"]
    assert keys(plan_unpause("shop", shop, ())) == ["unpause container shop-cache-1"]


def test_rm_takes_what_has_ended_with_its_anonymous_volumes() -> None:
    mounts = (VolumeMount(volume="anon", target="/a"), VolumeMount(volume="data", target="/b"))
    shop = (record("web", mounts=mounts), record("db", "exited", mounts=mounts))
    anonymous = frozenset({"anon"})
    assert keys(plan_rm("shop", shop, (), anonymous_volumes=anonymous)) == [
        "remove container shop-db-1",
        "remove volume anon <- remove container shop-db-1",
    ]
    assert keys(plan_rm("shop", shop, ("web",), stop=True)) == [
        "stop container shop-web-1",
        "remove container shop-web-1 <- stop container shop-web-1",
    ]
