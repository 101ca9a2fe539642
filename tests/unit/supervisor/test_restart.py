"""When a container that ended is started again."""

import pytest

from engine.spec import RestartPolicy
from engine.supervisor.restart import RestartHistory, next_delay


def history(
    exit_code: int | None = 1, *, uptime: float = 1, attempts: int = 0, stopped: bool = False
) -> RestartHistory:
    return RestartHistory(exit_code, uptime, attempts, stopped)


ALWAYS = RestartPolicy(condition="always")


def test_the_default_policy_never_restarts() -> None:
    assert next_delay(RestartPolicy(), history()) is None


@pytest.mark.parametrize(
    ("attempts", "delay"), [(0, 0.1), (1, 0.2), (2, 0.4), (3, 0.8), (9, 51.2), (10, 60.0), (5000, 60.0)]
)
def test_the_delay_doubles_from_100_ms_to_a_minute(attempts: int, delay: float) -> None:
    assert next_delay(ALWAYS, history(attempts=attempts)) == pytest.approx(delay)


def test_ten_seconds_of_running_start_the_backoff_anew() -> None:
    assert next_delay(ALWAYS, history(attempts=8, uptime=10)) == pytest.approx(0.1)


def test_a_container_stopped_by_the_user_stays_stopped() -> None:
    for condition in ("always", "unless-stopped", "on-failure"):
        assert next_delay(RestartPolicy(condition=condition), history(stopped=True)) is None  # type: ignore[arg-type]


def test_on_failure_restarts_a_failure_but_no_success() -> None:
    policy = RestartPolicy(condition="on-failure")
    assert next_delay(policy, history(0)) is None
    assert next_delay(policy, history(3)) == pytest.approx(0.1)


def test_on_failure_takes_an_unknown_exit_code_for_a_failure() -> None:
    assert next_delay(RestartPolicy(condition="on-failure"), history(None)) == pytest.approx(0.1)


def test_on_failure_gives_up_after_its_retries() -> None:
    policy = RestartPolicy(condition="on-failure", max_retries=2)
    assert next_delay(policy, history(attempts=1)) == pytest.approx(0.2)
    assert next_delay(policy, history(attempts=2)) is None
    assert next_delay(policy, history(attempts=2, uptime=11)) == pytest.approx(0.1)


def test_every_policy_gives_up_after_its_retries() -> None:
    policy = RestartPolicy(condition="always", max_retries=2)
    assert next_delay(policy, history(0, attempts=1)) == pytest.approx(0.2)
    assert next_delay(policy, history(0, attempts=2)) is None


def test_a_delay_of_its_own_never_grows() -> None:
    policy = RestartPolicy(condition="always", delay_seconds=3.0)
    assert [next_delay(policy, history(attempts=attempts)) for attempts in (0, 5)] == [3.0, 3.0]


def test_the_window_says_when_a_restart_was_a_success() -> None:
    policy = RestartPolicy(condition="always", max_retries=1, window_seconds=60.0)
    assert next_delay(policy, history(attempts=1, uptime=59)) is None
    assert next_delay(policy, history(attempts=1, uptime=60)) == pytest.approx(0.1)


def test_what_was_unhealthy_is_started_again_whatever_the_policy_says_ever_more_slowly_until_it_gets_healthy() -> None:
    sick = RestartHistory(exit_code=143, uptime_seconds=90, attempts=3, stopped_by_user=False, unhealthy=True)
    never = RestartPolicy(condition="no")

    assert next_delay(never, sick) == 0.8
    assert next_delay(never, sick._replace(was_healthy=True)) == 0.1
    assert next_delay(never, sick._replace(attempts=50)) == 60
    assert next_delay(never, sick._replace(stopped_by_user=True)) is None
    assert next_delay(never, sick._replace(unhealthy=False)) is None
