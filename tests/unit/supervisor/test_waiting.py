"""What a client waits for: there, still possible, or no more."""

from engine.protocol import Failure
from engine.spec import ContainerSpec, HealthProbe, Process
from engine.state import ContainerRecord, ContainerState
from engine.supervisor.waiting import settle


def record(*, probed: bool = False, **state: object) -> ContainerRecord:
    spec = ContainerSpec(
        id="a",
        name="shop-web-1",
        stack="shop",
        service="web",
        number=1,
        image_id="",
        image_name="",
        layers=(),
        process=Process(argv=("x",)),
        hostname="web",
        config_hash="",
        health=HealthProbe(argv=("true",)) if probed else None,
    )
    return ContainerRecord(spec=spec, state=ContainerState(id="a", **state))  # type: ignore[arg-type]


def message(answer: ContainerRecord | Failure | None) -> str:
    assert isinstance(answer, Failure)
    return answer.message


def test_started_holds_once_it_has_run_even_if_it_ended_since() -> None:
    assert settle("started", record()) is None
    running, ended = record(status="running", started_ns=1), record(status="exited", started_ns=1, exit_code=0)
    assert settle("started", running) is running
    assert settle("started", ended) is ended


def test_started_fails_when_the_start_failed() -> None:
    assert message(settle("started", record(status="exited", failure="no such program"))) == "no such program"


def test_healthy_waits_for_a_starting_container() -> None:
    assert settle("healthy", record(probed=True, status="running", health="starting")) is None


def test_healthy_fails_at_once_without_a_health_check() -> None:
    assert "has no health check" in message(settle("healthy", record(status="running")))


def test_healthy_fails_at_once_when_unhealthy_with_what_the_probe_said() -> None:
    answer = settle("healthy", record(probed=True, status="running", health="unhealthy", health_output="refused\n"))
    assert message(answer) == "container shop-web-1 is unhealthy: refused"


def test_healthy_fails_at_once_when_it_exited() -> None:
    answer = settle("healthy", record(probed=True, status="exited", exit_code=3, started_ns=1))
    assert message(answer) == "container shop-web-1 exited (3) before it was healthy"
    assert isinstance(answer, Failure)
    assert answer.exit_code == 3


def test_completed_wants_exit_code_0() -> None:
    good = record(status="exited", exit_code=0)
    assert settle("completed", good) is good
    assert message(settle("completed", record(status="exited", exit_code=3))) == "container shop-web-1 exited (3)"
    unknown = settle("completed", record(status="exited", exit_code=None))
    assert message(unknown) == "container shop-web-1 ended with an unknown exit code"


def test_completed_waits_for_a_container_that_is_tried_again() -> None:
    assert settle("completed", record(status="restarting", exit_code=1)) is None


def test_exited_waits_for_the_last_end() -> None:
    assert settle("exited", record(status="running")) is None
    assert settle("exited", record(status="restarting", exit_code=1)) is None
    ended = record(status="exited", exit_code=7)
    assert settle("exited", ended) is ended


def test_up_is_what_runs_or_has_finished_its_work() -> None:
    assert settle("up", record(status="running")) is None
    done = record(status="exited", exit_code=0)
    assert settle("up", done) is done
    assert message(settle("up", record(status="exited", exit_code=3))) == "container shop-web-1 exited (3)"
    assert message(settle("up", record(status="restarting", exit_code=0))) == "container shop-web-1 exited (0)"
