"""Plans with services that run to their end."""

from compose.model import (
    Dependency,
)
from tests.unit.compose.planning import World, golden, service, stack, text, up, wanted

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


def test_a_plan_counts_jobs_that_are_done_by_themselves() -> None:
    of = stack(*JOB, service("db"))
    world = World().add(wanted(of)).put("shop-job-1", status="exited", exit_code=0)
    world.put("shop-db-1", status="exited", exit_code=137, oom_killed=True)

    assert text(up(of, world)) == golden("""
        Stack shop:
          start  container  shop-db-1  exited with status 137, out of memory
        1 container to start, 1 unchanged, 1 finished.
    """)
