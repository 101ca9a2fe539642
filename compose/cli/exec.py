"""`windlass exec`."""

import os
import sys
from contextlib import ExitStack
from typing import Annotated

from compose import conversation
from compose.cli import failures
from compose.cli.chosen import absent
from compose.cli.options import Argument, Option
from compose.cli.ownership import require_own
from compose.cli.session import Session
from compose.connection import Connection
from compose.conversation import Stream
from compose.errors import UsageError
from compose.observe import containers
from engine.cgroups import Cgroups
from engine.enter import Entered, Entry, enter, read_outcome
from engine.errors import StartError
from engine.layout import StackLayout
from engine.processes import open_process
from engine.spec import Process
from engine.state import ContainerRecord
from engine.terminals import WindowSize

LEFT_TO_ITSELF = 0


def command(
    session: Session,
    service: Annotated[str, Argument("Whose container.")],
    words: Annotated[list[str], Argument("The program with its arguments.", metavar="COMMAND...")],
    *,
    no_terminal: Annotated[bool, Option("--no-tty", "-T", tells="Pipes, even on a terminal.")] = False,
    environment: Annotated[list[str] | None, Option("--env", "-e", tells="NAME=VALUE; may be repeated.")] = None,
    user: Annotated[str, Option("--user", "-u", tells="Name or id, optionally :group.")] = "",
    directory: Annotated[str, Option("--workdir", "-w", tells="The working directory.")] = "",
    index: Annotated[int, Option("--index", tells="The replica's number.")] = 0,
    detach: Annotated[bool, Option("--detach", "-d", tells="Leave it to itself.")] = False,
) -> int:
    """Runs a command in a running container; its exit status becomes ours."""
    session.refuse_dry_run("exec")
    session.require_root()
    place = session.stack_layout()
    record = _choose(session, place, service, index)
    require_own(session, place.name, (record,))
    process = Process(
        argv=tuple(words),
        environment={**record.spec.process.environment, **_variables(environment or (), session)},
        working_directory=directory or record.spec.process.working_directory,
        user=user or record.spec.process.user,
        groups=record.spec.process.groups,
    )
    with Connection(place) as connection:
        connection.client()  # a supervisor that has died answers no names: the program would find no other service
    on_terminal = not no_terminal and not detach and sys.stdin.isatty() and sys.stdout.isatty()
    try:
        with ExitStack() as resources:
            return _run(place, record, process, resources, on_terminal=on_terminal, detach=detach)
    except StartError as error:
        failures.write(sys.stderr, error.message, error.hint)
        return error.exit_code


def _choose(session: Session, place: StackLayout, service: str, index: int) -> ContainerRecord:
    """The running container that is meant: the first replica, unless `index` says otherwise."""
    records = containers(place)
    found = [record for record in records if record.spec.service == service]
    if not found:
        raise absent(session, service, {record.spec.service for record in records})
    running = [record for record in found if record.state.status == "running"]
    chosen = [record for record in running if not index or record.spec.number == index]
    if chosen:
        found_one = min(chosen, key=lambda record: record.spec.number)
        if found_one.state.paused:
            raise UsageError(f"{found_one.spec.name} is paused", hint=f"windlass unpause {service} lets it go on")
        return found_one
    which = f"replica {index} of service {service}" if index else f"service {service}"
    raise UsageError(f"{which} is not running", hint="windlass ps -a tells why; windlass up starts it")


def _variables(texts: list[str] | tuple[str, ...], session: Session) -> dict[str, str]:
    """NAME=VALUE, or NAME alone for the value that it has here."""
    variables: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if equals or name in session.environment:
            variables[name] = value if equals else session.environment[name]
    return variables


def _run(
    place: StackLayout,
    record: ContainerRecord,
    process: Process,
    resources: ExitStack,
    *,
    on_terminal: bool,
    detach: bool,
) -> int:
    container = open_process(record.state.process) if record.state.process else None
    if container is None:
        raise UsageError(f"{record.spec.name} has just ended", hint="windlass ps -a tells why")
    resources.callback(os.close, container)
    streams = _Streams(resources, to_nowhere=detach)
    entered = enter(
        Entry(
            process=process,
            container=container,
            spec=record.spec,
            first_id=record.state.first_id,
            cgroup=Cgroups(place.label).find(record.spec.id, record.spec.cgroup_parent),
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            window=_window() if on_terminal else None,
            cache=place.roots.cache,
        )
    )
    resources.callback(os.close, entered.pidfd)
    conversation.leave_reaping_to_the_kernel()
    streams.close_far_ends()
    _require_started(entered)
    if detach:
        return LEFT_TO_ITSELF
    sys.stdout.flush()
    if entered.terminal_fd is not None:
        resources.callback(os.close, entered.terminal_fd)
        return conversation.converse_on_terminal(
            entered.terminal_fd, entered.pidfd, stdin=sys.stdin.fileno(), stdout=sys.stdout.fileno()
        )
    return conversation.converse_by_pipes(streams.inward, streams.outward, entered.pidfd)


def _require_started(entered: Entered) -> None:
    failure = read_outcome(entered.outcome_fd)
    if failure is not None:
        conversation.exit_status(entered.pidfd)
        raise failure


def _window() -> WindowSize:
    return conversation.window_size(sys.stdin.fileno())


class _Streams:
    """Pipes between us and the program: our own descriptors, maybe terminals or sockets, stay out of the container."""

    def __init__(self, resources: ExitStack, *, to_nowhere: bool) -> None:
        self.inward: list[Stream] = []
        self.outward: list[Stream] = []
        if to_nowhere:
            self.stdin = self.stdout = self.stderr = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            self._far_ends = {self.stdin}
            return
        self.stdin, our_stdin = os.pipe2(os.O_CLOEXEC)
        our_stdout, self.stdout = os.pipe2(os.O_CLOEXEC)
        our_stderr, self.stderr = os.pipe2(os.O_CLOEXEC)
        self._far_ends = {self.stdin, self.stdout, self.stderr}
        self.inward.append(Stream(sys.stdin.fileno(), our_stdin, close_target=True))
        self.outward.append(Stream(our_stdout, sys.stdout.fileno(), let_go=True))
        self.outward.append(Stream(our_stderr, sys.stderr.fileno(), let_go=True))
        resources.callback(os.close, our_stdout)
        resources.callback(os.close, our_stderr)

    def close_far_ends(self) -> None:
        """Closes what only the program needs, so that its end is noticed."""
        for fd in self._far_ends:
            os.close(fd)
