"""What a build asks of whoever runs its commands."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from engine.dockerfiles.requests import Sandbox
from engine.errors import EngineError
from engine.spec import Mount, Process


class SecretFile(NamedTuple):
    """A file in memory that only the command sees."""

    target: str
    name: str
    content: bytes
    uid: int
    gid: int
    mode: int


class Agent(NamedTuple):
    """An SSH agent's socket of the host's (`source`), as the command sees it."""

    source: Path
    target: str
    uid: int
    gid: int
    mode: int


class RunOrder(NamedTuple):
    """One command of a build. `layers` are what it sees, base first; `script` is a file that `process` refers to.

    `unrecorded` are variables that the process sees unless it has them already, and that no cache knows of.
    """

    process: Process
    layers: tuple[str, ...]
    script: str = ""
    unrecorded: Mapping[str, str] = {}
    mounts: tuple[Mount, ...] = ()
    secrets: tuple[SecretFile, ...] = ()
    agents: tuple[Agent, ...] = ()
    sandbox: Sandbox = Sandbox()


class Finished(NamedTuple):
    """A command that ended: `upper` holds what it wrote, owned by the ids from `first_id` on."""

    exit_code: int
    upper: Path
    first_id: int


SCRIPT_TARGET = "/dev/windlass-script"


class CancelledError(EngineError):
    """A command was ended because the build does not need it any more."""


class Runner(Protocol):
    """Runs a build's commands, of several threads at once."""

    def run(self, order: RunOrder, on_output: Callable[[str], None]) -> AbstractContextManager[Finished]:
        """Runs a command to its end; `on_output` is given its output line by line. The block may take `upper` away."""
        ...

    def cancel(self) -> None:
        """Ends all commands: whoever waits for one gets CancelledError."""
        ...
