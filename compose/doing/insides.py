"""The way into a container for those who copy, whether it runs or not."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

from compose.errors import UsageError
from engine.copies import visits
from engine.copies.copying import Begin
from engine.copies.visits import Job, Visit
from engine.layout import StackLayout
from engine.processes import open_process
from engine.state import ContainerRecord


@contextmanager
def insides(
    stack: StackLayout, records: Sequence[ContainerRecord], lock: AbstractContextManager[None]
) -> Iterator[list[Begin]]:
    """Ways into containers for a block; those that do not run are kept from being started meanwhile by `lock`."""
    with ExitStack() as resources:
        if any(record.state.process is None for record in records):
            resources.enter_context(lock)
        yield [_way_in(stack, record, resources) for record in records]


def _way_in(stack: StackLayout, record: ContainerRecord, resources: ExitStack) -> Begin:
    container = open_process(record.state.process) if record.state.process else None
    if container is not None:
        resources.callback(os.close, container)
        return partial(_visit_running, container, record)
    if record.state.status not in {"created", "exited"}:
        message = f"{record.spec.name} has just ended, or is about to be started again"
        raise UsageError(message, hint="windlass ps -a tells which; wait until it runs, or stop it")
    from engine.copies.stopped import visit_stopped  # noqa: PLC0415 - most containers run

    return partial(visit_stopped, stack, record)


def _visit_running(container: int, record: ContainerRecord, job: Job, kept_fds: Sequence[int]) -> Visit:
    own_users = record.state.first_id != 0
    return visits.visit_running(container, job, kept_fds, own_users=own_users, name=record.spec.name)
