"""Tells containers that no file asks for any more, and what `run` has left."""

from collections.abc import Collection, Iterable

from compose import naming
from engine.state import ALIVE, ContainerRecord


def is_one_off(record: ContainerRecord) -> bool:
    """Whether a container is no replica of its service: it was made by `run`, or for a hook."""
    return record.spec.labels.get(naming.ONE_OFF) == "True"


def is_hook(record: ContainerRecord) -> bool:
    """Whether a container was made for a pre_start hook."""
    return naming.HOOK in record.spec.labels


def orphans(records: Iterable[ContainerRecord], known_services: Collection[str]) -> tuple[ContainerRecord, ...]:
    """Containers of services that the file does not speak of; of one-off ones, those that do not run any more."""
    return tuple(
        record
        for record in records
        if (
            record.state.status not in ALIVE
            if is_one_off(record) and not (is_hook(record) and record.spec.service in known_services)
            else record.spec.service not in known_services
        )
    )


def why_orphan(record: ContainerRecord) -> str:
    """The cause of an orphan's removal."""
    return "orphan: left by run" if is_one_off(record) else f"orphan: the file has no service {record.spec.service}"


def orphans_warning(found: Iterable[ContainerRecord]) -> str:
    """What is told about orphans that stay; empty without any."""
    found = tuple(found)
    lost = ", ".join(record.spec.name for record in found if not is_one_off(record))
    left = ", ".join(record.spec.name for record in found if is_one_off(record))
    told = [f"({lost}) of services that the file no longer has"] if lost else []
    told += [f"({left}) that `run` has left"] if left else []
    return f"orphan containers {', '.join(told)}; --remove-orphans removes them" if told else ""
