"""What a build asks of whoever runs its commands."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from engine.spec import Process


class RunOrder(NamedTuple):
    """One command of a build. `layers` are what it sees, base first; `script` is a file that `process` refers to.

    `proxies` are variables that the process sees unless it has them already.
    """

    process: Process
    layers: tuple[str, ...]
    script: str = ""
    proxies: Mapping[str, str] = {}


class Finished(NamedTuple):
    """A command that ended: `upper` holds what it wrote, owned by the ids from `first_id` on."""

    exit_code: int
    upper: Path
    first_id: int


SCRIPT_TARGET = "/dev/windlass-script"


class Runner(Protocol):
    """Runs a build's commands one after the other."""

    def run(self, order: RunOrder, on_output: Callable[[str], None]) -> AbstractContextManager[Finished]:
        """Runs a command to its end; `on_output` is given its output line by line. The block may take `upper` away."""
        ...
