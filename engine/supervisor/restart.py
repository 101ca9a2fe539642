"""Decides whether a container that ended is started again, when."""

from typing import NamedTuple

from engine.spec import RestartPolicy

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 60.0
STABLE_AFTER_SECONDS = 10.0


class RestartHistory(NamedTuple):
    """What led to an end. `exit_code` is None when unknown; `attempts` counts the restarts since it last ran stably.

    `unhealthy` says that it ended because it was unhealthy, and is to be started again; `was_healthy` that it had once
    been healthy in that run.
    """

    exit_code: int | None
    uptime_seconds: float
    attempts: int
    stopped_by_user: bool
    unhealthy: bool = False
    was_healthy: bool = False


def settled_attempts(policy: RestartPolicy, history: RestartHistory) -> int:
    """The attempts that still count: none after a run of the policy's window, which makes a restart a success."""
    if history.unhealthy:
        return 0 if history.was_healthy else history.attempts
    window = STABLE_AFTER_SECONDS if policy.window_seconds is None else policy.window_seconds
    return 0 if window and history.uptime_seconds >= window else history.attempts


def next_delay(policy: RestartPolicy, history: RestartHistory) -> float | None:
    """Seconds until the container is started again, None for never: 100 ms, doubled at each attempt up to a minute.

    What was unhealthy is started again whatever the policy says, without end; all attempts count until it gets healthy.
    A delay of the policy's own is always the same. An unknown exit code counts as a failure.
    """
    attempts = settled_attempts(policy, history)
    if history.stopped_by_user:
        return None
    if history.unhealthy:
        return _growing(attempts)
    if policy.condition == "no":
        return None
    if policy.condition == "on-failure" and history.exit_code == 0:
        return None
    if policy.max_retries and attempts >= policy.max_retries:
        return None
    if policy.delay_seconds is not None:
        return policy.delay_seconds
    return _growing(attempts)


def _growing(attempts: int) -> float:
    return float(min(FIRST_DELAY_SECONDS * 2.0 ** min(attempts, 16), LONGEST_DELAY_SECONDS))
