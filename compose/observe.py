"""Looks at what there is of a stack, and changes nothing."""

import os
import time

import msgspec.structs

from compose import naming
from compose.observed import Observed, ObservedVolume
from engine.layout import StackLayout
from engine.namespaces import exit_status_of_pin
from engine.processes import open_process
from engine.records import read_records
from engine.state import ContainerRecord
from engine.volumes import VolumeStore
from net.networks import read_states


def containers(stack: StackLayout) -> tuple[ContainerRecord, ...]:
    """The stack's containers from their records, sorted by name; right even when no supervisor lives.

    A container whose process is gone, though its record has it running, has exited.
    """
    return tuple(_with_liveness(stack, record) for record in read_records(stack))


def observe(stack: StackLayout) -> Observed:
    """Everything of the stack that can be seen without asking a supervisor."""
    return Observed(containers=containers(stack), networks=read_states(stack.networks), volumes=volumes(stack))


def volumes(stack: StackLayout) -> tuple[ObservedVolume, ...]:
    """All volumes of the installation."""
    return tuple(
        ObservedVolume(
            name=volume.record.name, project=volume.record.project or volume.record.labels.get(naming.PROJECT, "")
        )
        for volume in VolumeStore(stack.roots.volumes).list()
    )


def _with_liveness(stack: StackLayout, record: ContainerRecord) -> ContainerRecord:
    state = record.state
    if state.status != "running" or state.process is None:
        return record
    pidfd = open_process(state.process)
    if pidfd is not None:
        os.close(pidfd)
        return record
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
