"""Keeps a project from touching the containers of another one that has the same name."""

from collections.abc import Iterable

from compose.cli.session import Session
from compose.deciding.directories import require_same_directory
from engine.state import ContainerRecord


def require_own(session: Session, stack: str, records: Iterable[ContainerRecord]) -> None:
    """Refuses, with StackError, what was made from another directory than that of the project here.

    A stack that is named with -p alone is meant wherever it was made; so it is with --adopt, and where no project is.
    """
    if session.options.adopt or (session.options.project_name and not session.options.files):
        return
    project = session.project()
    if project is not None:
        require_same_directory(stack, project.directory, records)
