"""Tells from which directory's files containers were made: two checkouts may have one project name."""

from collections.abc import Iterable

from compose import naming
from compose.errors import StackError
from engine.state import ContainerRecord


def other_directory(record: ContainerRecord, directory: str) -> str:
    """The directory that a container was made from; empty when it is this one, or not known."""
    made_from = record.spec.labels.get(naming.WORKING_DIRECTORY, "")
    return "" if made_from == directory else made_from


def require_same_directory(stack: str, directory: str, records: Iterable[ContainerRecord]) -> None:
    """Raises StackError when a container was made from another directory."""
    for record in records:
        other = other_directory(record, directory)
        if other:
            raise StackError(
                f"stack {stack} belongs to {other}, not to {directory}",
                hint="give this one another name (-p NAME), take the other down "
                f"(windlass -p {stack} down), or make it this one's: windlass --adopt up",
            )
