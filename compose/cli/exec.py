"""`windlass exec`."""

import os
import sys
from contextlib import ExitStack
from functools import partial
from typing import Annotated

import msgspec.structs

from compose.cli import failures
from compose.cli.chosen import choose_running
from compose.cli.given import given_variables
from compose.cli.options import Argument, Option
from compose.cli.ownership import require_own
from compose.cli.session import Session
from compose.errors import UsageError
from compose.terminal import conversation
from compose.terminal.keyboard import DETACH_KEYS, DetachKeys, parse_keys, window_size
from compose.terminal.pipes import Pipes, typed
from engine.cgroups import Cgroups
from engine.enter import Entered, Entry, enter, read_outcome
from engine.errors import StartError
from engine.layout import StackLayout
from engine.processes import open_process
from engine.protocol import Leave
from engine.spec import Hook, Process
from engine.state import ContainerRecord

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
    privileged: Annotated[bool, Option("--privileged", tells="With all privileges that a container can have.")] = False,
    interactive: Annotated[bool, Option("--interactive", "-i", tells="Pass our input on: the default.")] = True,
    terminal: Annotated[bool, Option("--tty", "-t", tells="A terminal if we are on one: the default.")] = True,
) -> int:
    """Runs a command in a running container; its exit status becomes ours."""
    session.refuse_dry_run("exec")
    session.require_root()
    place = session.stack_layout()
    record = choose_running(session, place, service, index)
    require_own(session, place.name, (record,))
    hook = Hook(
        argv=tuple(words),
        environment=given_variables(session.environment, environment or ()),
        working_directory=directory,
        user=user,
        privileged=privileged,
    )
    with session.connection(place) as connection:
        connection.client()  # a supervisor that has died answers no names: the program would find no other service
    plain = no_terminal or detach or not terminal or not interactive
    on_terminal = not plain and sys.stdin.isatty() and sys.stdout.isatty()
    return run_inside(session, place, record, hook, on_terminal=on_terminal, detach=detach, interactive=interactive)


def run_inside(
    session: Session,
    place: StackLayout,
    record: ContainerRecord,
    hook: Hook,
    *,
    on_terminal: bool,
    detach: bool,
    interactive: bool,
) -> int:
    """Runs a program in a running container until it ends; what the hook leaves empty is as for the container's own."""
    own = record.spec.process
    process = Process(
        argv=hook.argv,
        environment={**own.environment, **hook.environment},
        working_directory=hook.working_directory or own.working_directory,
        user=hook.user or own.user,
        groups=own.groups,
    )
    if hook.privileged:
        confinement = msgspec.structs.replace(record.spec.confinement, privileged=True)
        record = msgspec.structs.replace(record, spec=msgspec.structs.replace(record.spec, confinement=confinement))
    try:
        with ExitStack() as resources:
            way = {"on_terminal": on_terminal, "detach": detach, "interactive": interactive}
            return _run(session, place, record, process, resources, **way)
    except StartError as error:
        failures.write(sys.stderr, error.message, error.hint)
        return error.exit_code


def _run(
    session: Session,
    place: StackLayout,
    record: ContainerRecord,
    process: Process,
    resources: ExitStack,
    *,
    on_terminal: bool,
    detach: bool,
    interactive: bool,
) -> int:
    container = open_process(record.state.process) if record.state.process else None
    if container is None:
        raise UsageError(f"{record.spec.name} has just ended", hint="windlass ps -a tells why")
    resources.callback(os.close, container)
    streams = Pipes(resources, to_nowhere=detach, from_nowhere=not interactive)
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
            window=window_size(0) if on_terminal else None,
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
            entered.terminal_fd,
            entered.pidfd,
            stdin=typed(DetachKeys(parse_keys(DETACH_KEYS))),
            stdout=1,
            on_detach=partial(_leave, session, place, entered.terminal_fd),
        )
    return conversation.converse_by_pipes(streams.inward, streams.outward, entered.pidfd)


def _leave(session: Session, place: StackLayout, terminal: int) -> None:
    """Leaves a program's terminal to the supervisor: without anybody, the program would be told that it is gone."""
    with session.connection(place) as connection:
        connection.client().ask(Leave(), (terminal,))


def _require_started(entered: Entered) -> None:
    failure = read_outcome(entered.outcome_fd)
    if failure is not None:
        conversation.exit_status(entered.pidfd)
        raise failure
