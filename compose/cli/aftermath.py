"""Sees after rolling updates that failed: they go back, or what failed is stopped and kept."""

from collections import Counter
from collections.abc import Iterable

from msgspec import structs

from compose.cli.session import Session
from compose.deciding.rollbacks import Policies, plan_aftermath
from compose.deciding.steps import Plan
from compose.doing.carrying_out import carry_out
from compose.doing.connection import Connection
from compose.doing.execute import Happening
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


def policies_of(stack: Stack) -> Policies:
    """How each service goes back: as its rollback_config says, else in the way that it is updated."""
    return {
        service.name: service.rollback or structs.replace(service.update or UpdatePolicy(), failure_action="pause")
        for service in (*stack.services.values(), *stack.disabled.values())
    }
