"""Sees after what failed: rolling updates go back or stop, `up` takes back what it has made."""

from collections import Counter
from collections.abc import Iterable

from msgspec import structs

from compose.cli.session import Session
from compose.deciding.observed import Observed
from compose.deciding.rollbacks import Policies, plan_aftermath
from compose.deciding.steps import Plan, RemoveContainer, StopContainer
from compose.deciding.taking_back import Extent, made_by_run, plan_taking_back
from compose.doing.carrying_out import carry_out
from compose.doing.connection import Connection
from compose.doing.execute import Happening
from compose.doing.reports import told
from compose.doing.up import new_id
from compose.model import Stack, UpdatePolicy
from engine.state import ContainerRecord


def see_after_updates(
    session: Session,
    stack: Stack,
    connection: Connection,
    decided: Plan,
    failed: Iterable[Happening],
    before: Iterable[ContainerRecord],
) -> tuple[Happening, ...]:
    """Carries out what a failed update asks for; gives what failed of that. `before` is what there was."""
    failures = Counter(happening.step.roll for happening in failed)
    rolls = [
        roll if failures[roll.service] > roll.tolerated else structs.replace(roll, failure_action="continue")
        for roll in decided.rolls
        if roll.service in failures
    ]
    now = connection.observe().containers
    plan = plan_aftermath(stack.name, rolls, before, now, policies_of(stack), new_id)
    if not plan.steps:
        return ()
    for roll in rolls:
        does = "it goes back" if roll.failure_action == "rollback" else "what failed is stopped and kept"
        session.tell(f"the update of {roll.service} failed: {does}")
    progress = session.progress("rollback", tuple(step.action for step in plan.steps))
    return carry_out(plan, connection, session.layout, progress=progress, persist=True, parallel=session.parallel)


def take_back(session: Session, connection: Connection, before: Observed, extent: Extent, *, verb: str) -> None:
    """Takes back what a run of `verb` has made, as far as it goes, and tells what stays of it and why."""
    now = connection.observe()
    name = connection.stack.name
    plan = plan_taking_back(name, before, now, extent)
    failed: tuple[Happening, ...] = ()
    if plan.steps:
        session.tell(f"{verb} failed: taking back what has not run")
        progress = session.progress("take back", tuple(step.action for step in plan.steps))
        failed = carry_out(plan, connection, session.layout, progress=progress, persist=True, records=now.containers)
    for happening in failed:
        session.warn(told(happening), happening.hint)
    gone = {step.action.id for step in plan.steps if isinstance(step.action, RemoveContainer)}
    stopped = {step.action.id for step in plan.steps if isinstance(step.action, StopContainer)}
    kept = [record for record in made_by_run(before, now.containers) if record.spec.id not in gone]
    if kept:
        told_of = ", ".join(
            f"{record.spec.name} ({_how(record, stopped=record.spec.id in stopped)})" for record in kept
        )
        session.tell(f"left of it: {told_of}")
        session.tell(
            "`windlass logs` shows what they said; `windlass up` goes on from here, `windlass down` removes them"
        )
    previous = sorted({record.spec.service for record in kept if record.spec.previous is not None})
    if previous:
        session.tell(f"`windlass rollback {' '.join(previous)}` goes back to what was there before")


def _how(record: ContainerRecord, *, stopped: bool) -> str:
    """How a container is that stays."""
    state = record.state
    if state.health == "unhealthy":
        return "unhealthy, stopped" if stopped else "unhealthy"
    if stopped:
        return "stopped"
    match state.status:
        case "created":
            return "not started"
        case "exited":
            return f"exited {'?' if state.exit_code is None else state.exit_code}"
    return state.status


def policies_of(stack: Stack) -> Policies:
    """How each service goes back: as its rollback_config says, else in the way that it is updated."""
    return {
        service.name: service.rollback or structs.replace(service.update or UpdatePolicy(), failure_action="pause")
        for service in (*stack.services.values(), *stack.disabled.values())
    }
