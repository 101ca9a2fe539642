"""Decides whether what a client waits for has come, may still come, or cannot come any more."""

from typing import Literal

from engine.protocol import Failure
from engine.state import ContainerRecord, has_finished

Condition = Literal["started", "healthy", "completed", "exited", "ready", "steady", "up"]


def settle(condition: Condition, record: ContainerRecord) -> ContainerRecord | Failure | None:
    """The answer to a Wait, None while it is open."""
    match condition:
        case "started":
            return _started(record)
        case "healthy":
            return _healthy(record)
        case "completed":
            return _completed(record)
        case "exited":
            return record if record.state.status == "exited" else None
        case "ready":
            return _unsteady(record) or (record if record.state.health == "healthy" else None)
        case "steady":
            return _unsteady(record)
        case "up":
            return record if has_finished(record) else _unsteady(record)


def removed(record: ContainerRecord) -> Failure:
    """The answer to every Wait on a container that is removed."""
    return Failure(message=f"container {record.spec.name} was removed")


def _started(record: ContainerRecord) -> ContainerRecord | Failure | None:
    state = record.state
    if state.status == "running" or state.started_ns:
        return record
    if state.status == "exited":
        return Failure(message=state.failure or f"container {record.spec.name} did not start", exit_code=_code(record))
    return None


def _healthy(record: ContainerRecord) -> ContainerRecord | Failure | None:
    name, state = record.spec.name, record.state
    if record.spec.health is None:
        return Failure(
            message=f"container {name} has no health check, so it never becomes healthy",
            hint="give the service a `healthcheck`, or wait for `service_started` instead",
        )
    if state.health == "healthy":
        return record
    if state.health == "unhealthy":
        return Failure(message=f"container {name} is unhealthy{_because(state.failure or state.health_output)}")
    if state.status == "exited":
        return Failure(
            message=f"container {name} {_ended(record)} before it was healthy{_because(state.failure)}",
            exit_code=_code(record),
        )
    return None


def _unsteady(record: ContainerRecord) -> Failure | None:
    """Why a container cannot be relied upon, or None; that it runs well and goes on is only known later."""
    name, state = record.spec.name, record.state
    if state.health == "unhealthy":
        return Failure(message=f"container {name} is unhealthy{_because(state.failure or state.health_output)}")
    if state.status == "running":
        return None
    if state.status == "created":
        return Failure(message=f"container {name} is not started{_because(state.failure)}")
    return Failure(message=f"container {name} {_ended(record)}{_because(state.failure)}", exit_code=_code(record))


def _completed(record: ContainerRecord) -> ContainerRecord | Failure | None:
    name, state = record.spec.name, record.state
    if state.status in ("exited", "restarting") and state.exit_code == 0:
        return record
    if state.status == "exited":
        return Failure(message=f"container {name} {_ended(record)}{_because(state.failure)}", exit_code=_code(record))
    return None


def _ended(record: ContainerRecord) -> str:
    state = record.state
    if state.exit_code is None:
        return "ended with an unknown exit code"
    return f"exited ({state.exit_code}{', out of memory' if state.oom_killed else ''})"


def _because(reason: str) -> str:
    return f": {reason.strip()}" if reason.strip() else ""


def _code(record: ContainerRecord) -> int:
    return record.state.exit_code or 1
