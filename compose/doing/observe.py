"""Looks at a stack's containers on disk, supervisor or not, and changes nothing."""

import os
import time

import msgspec.structs

from engine.layout import StackLayout
from engine.processes import open_process
from engine.records import read_records
from engine.state import ContainerRecord


def containers(stack: StackLayout) -> tuple[ContainerRecord, ...]:
    """The stack's containers from their records, sorted by name; right even when no supervisor lives.

    A container whose process is gone, though its record has it running, has exited.
    """
    return tuple(_with_liveness(stack, record) for record in read_records(stack))


def _with_liveness(stack: StackLayout, record: ContainerRecord) -> ContainerRecord:
    state = record.state
    if state.status != "running" or state.process is None:
        return record
    pidfd = open_process(state.process)
    if pidfd is not None:
        os.close(pidfd)
        return record
    from engine.namespaces import exit_status_of_pin  # noqa: PLC0415 - only where no supervisor saw the end

    wait_status = exit_status_of_pin(stack.pins / record.spec.id)
    ended = msgspec.structs.replace(
        state,
        status="exited",
        health="none",
        process=None,
        exit_code=None if wait_status is None else _exit_code(wait_status),
        finished_ns=state.finished_ns or time.time_ns(),
        ports=(),
    )
    return msgspec.structs.replace(record, state=ended)


def _exit_code(wait_status: int) -> int:
    """A wait status as a shell tells it: 128 and the signal's number for a process that was killed."""
    code = os.waitstatus_to_exitcode(wait_status)
    return code if code >= 0 else 128 - code
