"""Decides a container's health from the outcomes of its probes.

Compose probes first after one interval. Here the first probe runs at once, more follow after quickly growing pauses
until the first success, and a success counts whenever it comes. A failure counts only where Compose would have probed:
at the interval's pace, after the start period. So a container is healthy sooner, never unhealthy
sooner. A start interval is the longest pause before the first success.
"""

from typing import NamedTuple

from engine.spec import HealthProbe
from engine.state import Health

FIRST_PAUSE_SECONDS = 0.05
PAUSE_GROWTH = 1.6


class HealthHistory(NamedTuple):
    """Where the probing stands. Times are seconds of one monotonic clock.

    `pause` is the last pause between early probes; `due` when Compose would probe next; `failures` counts in a row.
    """

    health: Health
    started: float
    due: float
    pause: float = 0.0
    failures: int = 0
    succeeded: bool = False


def begin(probe: HealthProbe, now: float) -> HealthHistory:
    """The history of a container that has just started."""
    return HealthHistory(health="starting", started=now, due=now + probe.interval_seconds)


def resume(probe: HealthProbe, health: Health, started: float, now: float) -> HealthHistory:
    """The history of a container that was found running; failures in a row start from none."""
    if health in ("healthy", "unhealthy"):
        return HealthHistory(health=health, started=started, due=now, succeeded=True)
    return HealthHistory(health="starting", started=started, due=now + probe.interval_seconds)


def next_probe_at(history: HealthHistory, now: float) -> float:
    """When the next probe starts."""
    if history.succeeded:
        return max(now, history.due)
    return max(now, min(now + history.pause, history.due))


def after(history: HealthHistory, probe: HealthProbe, *, healthy: bool, began: float, ended: float) -> HealthHistory:
    """The history after one probe."""
    scheduled = began >= history.due
    due = ended + probe.interval_seconds if scheduled or healthy else history.due
    if healthy:
        return history._replace(health="healthy", due=due, failures=0, succeeded=True)
    pause = max(FIRST_PAUSE_SECONDS, history.pause * PAUSE_GROWTH)
    if probe.start_interval_seconds:
        pause = min(pause, probe.start_interval_seconds)
    in_start_period = not history.succeeded and began < history.started + probe.start_period_seconds
    failures = history.failures + 1 if scheduled and not in_start_period else history.failures
    health: Health = "unhealthy" if failures >= max(1, probe.retries) else history.health
    return history._replace(health=health, due=due, failures=failures, pause=pause)
