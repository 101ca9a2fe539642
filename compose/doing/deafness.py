"""Tells which containers will not stop when they are asked to."""

from signal import SIGKILL, SIGSTOP

from engine.processes import heeds_signal
from engine.signals import signal_number
from engine.state import ContainerRecord


def deafness(record: ContainerRecord, grace_seconds: float | None) -> str:
    """Why a container's stop takes all of its grace period; empty when its first process heeds the stop signal."""
    process = record.state.process
    if process is None or record.state.status != "running" or record.state.unkillable:
        return ""
    name = record.spec.stop_signal
    number = signal_number(name)
    grace = record.spec.stop_grace_seconds if grace_seconds is None else grace_seconds
    if number in {SIGKILL, SIGSTOP} or not grace or heeds_signal(process.pid, number):
        return ""
    return f"{record.spec.process.argv[0]} as PID 1 ignores {name}: killed after {grace:g}s (`init: true` mends that)"
