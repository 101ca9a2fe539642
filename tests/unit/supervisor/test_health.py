"""A container's health, decided from its probes' outcomes."""

from itertools import pairwise

from engine.spec import HealthProbe
from engine.supervisor.health import HealthHistory, after, begin, next_probe_at, resume

PROBE = HealthProbe(argv=("true",), interval_seconds=10, timeout_seconds=3, start_period_seconds=0, retries=2)


def failing(probe: HealthProbe, until: float, history: HealthHistory | None = None) -> list[tuple[float, str, int]]:
    """The probes of a container that never is healthy: when, the health and the counted failures afterwards."""
    history = history or begin(probe, 0.0)
    trace = []
    now = 0.0
    while (now := next_probe_at(history, now)) <= until:
        history = after(history, probe, healthy=False, began=now, ended=now)
        trace.append((round(now, 3), history.health, history.failures))
    return trace


def test_the_first_probe_runs_at_once() -> None:
    assert next_probe_at(begin(PROBE, 5.0), 5.0) == 5.0


def test_an_early_success_makes_it_healthy_at_once() -> None:
    history = after(begin(PROBE, 0.0), PROBE, healthy=True, began=0.0, ended=0.1)
    assert history.health == "healthy"
    assert next_probe_at(history, 0.1) == 10.1


def test_early_failures_pause_longer_and_longer_and_count_only_on_the_interval() -> None:
    trace = failing(PROBE, 20)
    assert trace[:4] == [(0, "starting", 0), (0.05, "starting", 0), (0.13, "starting", 0), (0.258, "starting", 0)]
    counted = [entry for entry, before in zip(trace[1:], trace, strict=False) if entry[2] > before[2]]
    assert counted == [(10, "starting", 1), (20, "unhealthy", 2)]


def test_failures_in_the_start_period_do_not_count() -> None:
    probe = HealthProbe(argv=("true",), interval_seconds=10, start_period_seconds=25, retries=1)
    assert [entry for entry in failing(probe, 30) if entry[2]] == [(30, "unhealthy", 1)]


def test_a_success_ends_the_start_period() -> None:
    probe = HealthProbe(argv=("true",), interval_seconds=10, start_period_seconds=100, retries=1)
    history = after(begin(probe, 0.0), probe, healthy=True, began=0.0, ended=0.0)
    assert after(history, probe, healthy=False, began=10.0, ended=10.0).health == "unhealthy"


def test_a_success_forgives_earlier_failures() -> None:
    history = after(begin(PROBE, 0.0), PROBE, healthy=False, began=10.0, ended=10.0)
    history = after(history, PROBE, healthy=True, began=20.0, ended=20.0)
    history = after(history, PROBE, healthy=False, began=30.0, ended=30.0)
    assert (history.health, history.failures) == ("healthy", 1)


def test_an_unhealthy_container_recovers_with_one_success() -> None:
    history = HealthHistory(health="unhealthy", started=0.0, due=50.0, failures=7, succeeded=True)
    assert after(history, PROBE, healthy=True, began=50.0, ended=50.0).health == "healthy"


def test_an_early_probe_that_hangs_beyond_the_interval_does_not_count() -> None:
    history = after(begin(PROBE, 0.0), PROBE, healthy=False, began=0.0, ended=12.0)
    assert history.failures == 0
    assert next_probe_at(history, 12.0) == 12.0


def test_a_container_found_healthy_stays_so_and_is_probed_at_once() -> None:
    history = resume(PROBE, "healthy", started=0.0, now=100.0)
    assert history.health == "healthy"
    assert next_probe_at(history, 100.0) == 100.0
    assert after(history, PROBE, healthy=False, began=100.0, ended=100.0).health == "healthy"


def test_a_start_interval_is_the_longest_pause_before_the_first_success() -> None:
    probe = HealthProbe(argv=("true",), interval_seconds=10, start_period_seconds=9, start_interval_seconds=2)
    times = [when for when, _, _ in failing(probe, 10)]
    assert max(later - earlier for earlier, later in pairwise(times)) <= 2.001
    assert times[-1] == 10
