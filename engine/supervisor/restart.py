"""Decides whether a container that ended is started again, when."""

from typing import NamedTuple

from engine.spec import RestartPolicy

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 60.0
STABLE_AFTER_SECONDS = 10.0


class RestartHistory(NamedTuple):
    """What led to an end. `exit_code` is None when unknown; `attempts` counts the restarts since it last ran stably."""

    exit_code: int | None
    uptime_seconds: float
    attempts: int
    stopped_by_user: bool


def settled_attempts(history: RestartHistory) -> int:
    """The attempts that still count: none after a run of 10 s, which is what makes a restart a success."""
    return 0 if history.uptime_seconds >= STABLE_AFTER_SECONDS else history.attempts


def next_delay(policy: RestartPolicy, history: RestartHistory) -> float | None:
    """Seconds until the container is started again, None for never: 100 ms, doubled at each attempt up to a minute.

    An unknown exit code counts as a failure.
    """
    attempts = settled_attempts(history)
    if history.stopped_by_user or policy.condition == "no":
        return None
    if policy.condition == "on-failure":
        if history.exit_code == 0:
            return None
        if policy.max_retries and attempts >= policy.max_retries:
            return None
    return min(FIRST_DELAY_SECONDS * 2.0 ** min(attempts, 16), LONGEST_DELAY_SECONDS)
