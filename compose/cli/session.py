"""One run of the command line: its global options, the environment, the terminal."""

import os
import stat
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from compose.cli import colors
from compose.cli.choices import one_of
from compose.cli.texts import printable
from compose.errors import FileError, StackError, UsageError
from engine.layout import Layout, StackLayout
from engine.lean import PatternsOnDemand

if TYPE_CHECKING:
    from compose.deciding.steps import Action
    from compose.doing.connection import Connection
    from compose.doing.reports import Progress
    from compose.model import Stack
    from compose.phases import Phases
    from compose.reading.discovery import Project
    from compose.reading.reader import ReadRequest

RUN_ROOT = "/run/windlass"
DATA_ROOT = "/var/lib/windlass"
PATIENCE = "WINDLASS_PATIENCE_SECONDS"
PROGRESS_MODES = ("auto", "tty", "plain", "json", "quiet")
ANSI_MODES = ("auto", "always", "never")


class Globals(NamedTuple):
    """The options that stand before the verb."""

    files: tuple[str, ...] = ()
    project_name: str = ""
    project_directory: str = ""
    profiles: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    ansi: str = ""
    progress: str = ""
    run_root: str = ""
    data_root: str = ""
    parallel: int = 0
    dry_run: bool = False
    compatibility: bool = False
    all_resources: bool = False
    adopt: bool = False
    lock_timeout: float | None = None


class Session:
    """What every verb needs. Nothing is touched before a method is called."""

    def __init__(self, options: Globals, *, environment: Mapping[str, str], working_directory: Path) -> None:
        self.options = options
        self.environment = environment
        self._working_directory = working_directory
        self.ansi = one_of("--ansi", options.ansi or environment.get("COMPOSE_ANSI") or "auto", ANSI_MODES)
        self.progress_mode = one_of(
            "--progress", options.progress or environment.get("COMPOSE_PROGRESS") or "auto", PROGRESS_MODES
        )
        self.parallel = options.parallel or _limit(environment.get("COMPOSE_PARALLEL_LIMIT", ""))
        self.layout = Layout(
            run=Path(options.run_root or environment.get("WINDLASS_RUN_ROOT", RUN_ROOT)).absolute(),
            data=Path(options.data_root or environment.get("WINDLASS_DATA_ROOT", DATA_ROOT)).absolute(),
        )

    def require_root(self) -> None:
        """Refuses, before anything is touched, to go on without root."""
        if os.geteuid() != 0:
            raise StackError(
                "windlass needs root to make namespaces, mounts and networks; running without it is not supported yet",
                hint="run it as root, for example with sudo",
            )
        for root in (self.layout.run, self.layout.data):
            _require_ours(root)

    def read_request(self, services: tuple[str, ...] = ()) -> "ReadRequest":
        """What the reader has to know; naming a service enables its profiles."""
        from compose.reading.reader import ReadRequest  # noqa: PLC0415 - YAML is loaded only where a file is read

        return ReadRequest(
            files=self.options.files,
            project_name=self.options.project_name,
            project_directory=self.options.project_directory,
            profiles=self.options.profiles,
            services=services,
            env_files=self.options.env_files,
            working_directory=str(self._working_directory),
            environment=self.environment,
            stdin=sys.stdin.buffer.read,
            separator="_" if self.options.compatibility else "-",
            unused=self.options.all_resources,
        )

    def stack(
        self,
        *,
        services: tuple[str, ...] = (),
        phases: "Phases | None" = None,
        warn: bool = True,
        overlay: bytes = b"",
    ) -> "Stack":
        """The stack as its files describe it; naming a service enables its profiles. Raises FileError."""
        with PatternsOnDemand():
            from compose.reading.reader import read_stack  # noqa: PLC0415 - YAML is loaded only where a file is read

        request = self.read_request(services)._replace(overlay=overlay)
        stack = read_stack(request if phases is None else request._replace(phases=phases))
        for warning in stack.warnings if warn else ():
            self.warn(printable(str(warning)), printable(warning.hint), warning.code)
        return stack

    def startable_stack(self, *, services: tuple[str, ...] = (), overlay: bytes = b"") -> "Stack":
        """The same, with an overlay (see compose.reading.reader), refused with all that cannot be served yet."""
        stack = self.stack(services=services, overlay=overlay)
        if stack.obstacles:
            raise FileError(stack.obstacles)
        return stack

    def speaks_of(self, services: set[str]) -> bool:
        """Whether the stack's files plainly have a line for each of these services."""
        from compose.reading.discovery import STDIN  # noqa: PLC0415 - likewise
        from compose.reading.service_lines import speak_of  # noqa: PLC0415 - likewise

        project = self.project()
        return project is not None and STDIN not in project.files and speak_of(project.files, services)

    def project(self) -> "Project | None":
        """Where the project lies, whose files nobody has read yet; None without any."""
        from compose.reading.surroundings import Wishes, find_surroundings  # noqa: PLC0415 - some verbs need no stack

        wishes = Wishes(self.options.files, self.options.project_directory, self.options.env_files)
        try:
            return find_surroundings(wishes, str(self._working_directory), self.environment, str).project
        except FileError:
            return None

    def is_set(self, variable: str) -> bool:
        """Whether the environment says yes."""
        return self.environment.get(variable, "").lower() in {"1", "true", "yes", "on"}

    def refuse_dry_run(self, verb: str) -> None:
        """Keeps a verb that cannot tell beforehand what it would do from doing it."""
        if self.options.dry_run:
            raise UsageError(f"windlass {verb} has no dry run", hint="leave --dry-run out")

    def stack_name(self) -> str:
        """The stack's name, found without reading more of the file than needed."""
        from compose.reading.project_name import project_name  # noqa: PLC0415 - some verbs need no stack

        return project_name(self.options, str(self._working_directory), self.environment)

    def stack_layout(self, name: str = "") -> StackLayout:
        """The places of the stack."""
        return self.layout.stack(name or self.stack_name())

    def connection(self, place: StackLayout) -> "Connection":
        """A connection to a stack's supervisor, with the patience that the environment asks for."""
        from compose.doing.connection import Connection  # noqa: PLC0415 - some verbs need none
        from engine.client import PATIENCE_SECONDS  # noqa: PLC0415 - likewise

        wanted = self.environment.get(PATIENCE, "")
        patience_seconds = _seconds(PATIENCE, wanted) if wanted else PATIENCE_SECONDS
        return Connection(place, patience_seconds=patience_seconds, say=self.tell)

    def warn(self, text: str, hint: str = "", code: str = "") -> None:
        """Tells something that does not keep the command from going on."""
        if self.progress_mode != "quiet":
            word = "\x1b[33mwarning:\x1b[0m" if self.color(sys.stderr) else "warning:"
            sys.stderr.write(f"{word} {text}{f' [{code}]' if code else ''}\n")
            if hint:
                sys.stderr.write(f"  hint: {hint}\n")

    def tell(self, text: str) -> None:
        """Tells how things are, unless only errors are wanted."""
        if self.progress_mode not in {"quiet", "json"}:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def tell_wait(self, holder: str) -> None:
        """Tells for whom this command waits."""
        self.tell(f"waiting for {holder}")

    def lock(self, place: StackLayout, verb: str) -> AbstractContextManager[None]:
        """The stack's command lock for a block; who holds it is told, and waited for as long as the user wants."""
        from engine.locks import command_lock  # noqa: PLC0415 - whoever only looks needs none

        def tell(holder: str) -> None:
            self.tell_wait(f"stack {place.name}, held by {holder}")

        timeout = self.options.lock_timeout
        return command_lock(place, f"windlass {verb}", timeout_seconds=timeout, on_wait=tell)

    def color(self, stream: TextIO) -> bool:
        """Whether colours go to this stream."""
        return colors.wanted(self.ansi, self.environment, stream)

    def progress(self, title: str, expected: "tuple[Action, ...]" = ()) -> "Progress":
        """Progress on standard error, in the form that the user chose."""
        from compose.showing.progress import open_progress, terminal_mode  # noqa: PLC0415 - some verbs show none

        stream = sys.stdout if self.environment.get("COMPOSE_STATUS_STDOUT") == "1" else sys.stderr
        mode = terminal_mode(self.progress_mode, stream)
        if mode == "tty" and (self.ansi == "never" or not stream.isatty()):
            mode = "plain"
        return open_progress(mode, title=title, stream=stream, expected=expected, color=self.color(stream))


def _limit(text: str) -> int:
    """How many things to do at a time, 0 for the usual number; UsageError for what is no number."""
    try:
        return int(text or 0)
    except ValueError:
        raise UsageError(
            f"COMPOSE_PARALLEL_LIMIT is '{text}', which is no number", hint="write one, or unset it"
        ) from None


def _require_ours(root: Path) -> None:
    """Refuses a root that others may have written to: what lies in it is believed."""
    try:
        found = root.stat()
    except FileNotFoundError:
        return
    if found.st_uid != os.geteuid() or found.st_mode & stat.S_IWOTH:
        whose = "everybody may write to it" if found.st_uid == os.geteuid() else f"it belongs to user {found.st_uid}"
        raise StackError(
            f"{root} is not only root's: {whose}",
            hint=f"see what lies in it, then: chown root:root {root} && chmod 700 {root}",
        )


def _seconds(variable: str, text: str) -> float:
    """A time above 0; UsageError for anything else."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        problem = f"{variable} is '{text}', which is no number of seconds"
        raise UsageError(problem, hint="write one above 0, or unset it")
    return seconds
