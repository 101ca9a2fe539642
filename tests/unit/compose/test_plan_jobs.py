"""Plans with services that run to their end."""

from compose.model import (
    Dependency,
)
from tests.unit.compose.planning import CHECK, World, golden, service, stack, text, up, wanted

JOB = (
    service("job"),
    service("web", depends_on=(Dependency(service="job", condition="service_completed_successfully"),)),
)


def test_a_job_is_awaited() -> None:
    assert text(up(stack(*JOB), World())) == golden("""
        Stack shop:
          create            network    shop_default  new network
          create            container  shop-job-1    new service
          start             container  shop-job-1    new service
          create            container  shop-web-1    new service
          wait (completed)  container  shop-job-1    job must have completed
          start             container  shop-web-1    new service
        1 network to create, 2 containers to create, 2 containers to start.
    """)


def test_a_job_that_completed_is_not_run_again_while_nothing_changed() -> None:
    of = stack(*JOB)
    done = World().add(wanted(of)).put("shop-job-1", status="exited", exit_code=0)
    failed = World().add(wanted(of)).put("shop-job-1", status="exited", exit_code=1)

    assert up(of, done).steps == ()
    assert [step.key for step in up(of, failed).steps] == ["start container shop-job-1"]


def test_a_job_that_is_done_is_told_apart_from_what_runs() -> None:
    of = stack(*JOB, service("db"))
    found = up(of, World().add(wanted(of)).put("shop-job-1", status="exited", exit_code=0))

    assert (found.unchanged, found.finished) == (("shop-db-1", "shop-web-1"), ("shop-job-1",))


def test_what_ended_well_and_is_never_started_again_has_finished() -> None:
    of = stack(service("seed"), service("web", restart="always"), service("db", healthcheck=CHECK))
    world = World().add(wanted(of))
    for name in world.containers:
        world.put(name, status="exited", exit_code=0)

    found = up(of, world)
    assert found.finished == ("shop-seed-1",)
    assert [step.key for step in found.steps] == ["start container shop-web-1", "start container shop-db-1"]


def test_finished_work_is_done_again_when_asked_when_named_and_when_it_was_only_stopped() -> None:
    of = stack(service("seed"))
    done = World().add(wanted(of)).put("shop-seed-1", status="exited", exit_code=0)
    again = ["start container shop-seed-1"]

    assert up(of, done).steps == ()
    assert [step.key for step in up(of, done, rerun_jobs=True).steps] == again
    assert [step.key for step in up(of, done, services=("seed",)).steps] == again
    done.put("shop-seed-1", stopped_by_user=True)
    assert [step.key for step in up(of, done).steps] == again


def test_a_finished_job_runs_again_when_what_it_is_restarted_with_is_made_anew() -> None:
    of = stack(service("seed", depends_on=(Dependency(service="db", restart=True),)), service("db"))
    world = World().add(wanted(of)).put("shop-seed-1", status="exited", exit_code=0)
    newer = stack(of.services["seed"], service("db", environment={"A": "1"}))

    step = {step.key: step for step in up(newer, world).steps}["start container shop-seed-1"]
    assert step.cause == "depends on db, which is recreated"


def test_of_a_jobs_replicas_only_those_that_failed_run_again() -> None:
    of = stack(
        service("job", replicas=2),
        service("web", depends_on=(Dependency(service="job", condition="service_completed_successfully"),)),
    )
    world = World().add(wanted(of)).put("shop-job-1", status="exited", exit_code=0)
    world.put("shop-job-2", status="exited", exit_code=3).put("shop-web-1", status="exited", exit_code=1)

    assert [step.key for step in up(of, world).steps] == [
        "start container shop-job-2",
        "wait container shop-job-2 completed",
        "start container shop-web-1",
    ]


def test_a_plan_counts_jobs_that_are_done_by_themselves() -> None:
    of = stack(*JOB, service("db"))
    world = World().add(wanted(of)).put("shop-job-1", status="exited", exit_code=0)
    world.put("shop-db-1", status="exited", exit_code=137, oom_killed=True)

    assert text(up(of, world)) == golden("""
        Stack shop:
          start  container  shop-db-1  exited with status 137, out of memory
        1 container to start, 1 unchanged, 1 finished.
    """)
