"""Tells which containers have done what they were for, so that `up` does not run them again."""

from collections.abc import Iterable

from compose.deciding.options import Options
from compose.deciding.wanted import WantedService
from engine.state import ContainerRecord, has_finished

JOBS_CONDITION = "service_completed_successfully"


def conditions_of(services: Iterable[WantedService]) -> dict[str, frozenset[str]]:
    """By service, the conditions under which others depend on it."""
    found: dict[str, set[str]] = {}
    for service in services:
        for dependency in service.dependencies:
            found.setdefault(dependency.service, set()).add(dependency.condition)
    return {name: frozenset(conditions) for name, conditions in found.items()}


def is_finished(record: ContainerRecord, conditions: frozenset[str], options: Options) -> bool:
    """Whether a container that is as it should be has done its work: its program ended by itself, with success.

    Under `conditions` others depend on its service. It is a job when one waits for its end, or when nothing ever starts
    it again and nobody asks for its health. Naming the service on the command line runs it again.
    """
    spec, state = record.spec, record.state
    if state.status != "exited" or state.exit_code != 0 or options.rerun_jobs:
        return False
    if JOBS_CONDITION in conditions:
        return True
    return has_finished(record) and not (state.stopped_by_user or spec.service in options.services)
