"""Looks, when all waits of `--wait` are over, whether what was to run still does."""

from collections.abc import Iterable

from compose.deciding.finished_jobs import JOBS_CONDITION
from compose.deciding.orphans import is_one_off
from compose.deciding.steps import Await, Step
from compose.doing.execute import Happening
from compose.model import Service
from engine.protocol import Failure
from engine.state import ContainerRecord
from engine.supervisor.waiting import settle


def fallen(services: Iterable[Service], records: Iterable[ContainerRecord]) -> tuple[Happening, ...]:
    """The containers of some services that have ended or got unhealthy; work that is done may have ended."""
    services = tuple(services)
    jobs = {
        dependency.service
        for service in services
        for dependency in service.depends_on
        if dependency.condition == JOBS_CONDITION
    }
    looked_at = {service.name for service in services} - jobs
    return tuple(
        Happening(_looking(record), "failed", message=answer.message, exit_code=answer.exit_code)
        for record in records
        if record.spec.service in looked_at and not is_one_off(record)
        for answer in (settle("up", record),)
        if isinstance(answer, Failure)
    )


def _looking(record: ContainerRecord) -> Step:
    action = Await(id=record.spec.id, name=record.spec.name, condition="running")
    return Step(key=f"wait container {record.spec.name} running", action=action, cause="--wait")
