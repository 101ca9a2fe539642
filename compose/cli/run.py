"""`windlass run`."""

import os
import sys
from contextlib import ExitStack
from typing import Annotated

from compose.cli import failures
from compose.cli.choices import PULL_WORDS, one_of
from compose.cli.given import given_variables
from compose.cli.options import Argument, Option
from compose.cli.outcomes import show_failures
from compose.cli.session import Session
from compose.deciding.options import OneOff, Options
from compose.deciding.selection import require_service
from compose.deciding.steps import CreateContainer
from compose.doing.connection import Connection
from compose.doing.holding import images_held
from compose.errors import FileError, UsageError
from compose.model import Stack
from compose.reading.run_overlay import RunOptions, overlay
from engine.errors import RequestError
from engine.protocol import Start
from engine.spec import ContainerSpec
from engine.state import ContainerRecord, ContainerState


def command(
    session: Session,
    service: Annotated[str, Argument("Whose settings the container gets.")],
    words: Annotated[list[str] | None, Argument("The program with its arguments.", metavar="COMMAND...")] = None,
    *,
    remove: Annotated[bool, Option("--rm", tells="Remove the container when it ends.")] = False,
    detach: Annotated[bool, Option("--detach", "-d", tells="Leave it to itself; print its id.")] = False,
    environment: Annotated[list[str] | None, Option("--env", "-e", tells="NAME=VALUE; may be repeated.")] = None,
    env_from_file: Annotated[list[str] | None, Option(tells="A file of variables; may be repeated.")] = None,
    no_terminal: Annotated[bool, Option("--no-tty", "--no-TTY", "-T", tells="Pipes, even on a terminal.")] = False,
    terminal: Annotated[bool, Option("--tty", "-t", tells="A terminal if we are on one: the default.")] = True,
    interactive: Annotated[bool, Option("--interactive", "-i", tells="Pass our input on: the default.")] = True,
    entrypoint: Annotated[str | None, Option(tells="Instead of the image's or the file's.")] = None,
    user: Annotated[str, Option("--user", "-u", tells="Name or id, optionally :group.")] = "",
    directory: Annotated[str, Option("--workdir", "-w", tells="The working directory.")] = "",
    volume: Annotated[list[str] | None, Option("--volume", "-v", tells="SOURCE:TARGET; may be repeated.")] = None,
    publish: Annotated[list[str] | None, Option("--publish", "-p", tells="HOST:CONTAINER; may be repeated.")] = None,
    service_ports: Annotated[bool, Option("--service-ports", "-P", tells="Publish the service's ports.")] = False,
    no_deps: Annotated[bool, Option("--no-deps", tells="Leave out what the service depends on.")] = False,
    name: Annotated[str, Option(tells="The container's name.")] = "",
    label: Annotated[list[str] | None, Option("--label", "-l", tells="NAME=VALUE; may be repeated.")] = None,
    use_aliases: Annotated[bool, Option("--use-aliases", tells="Answer to the service's names.")] = False,
    build: Annotated[bool, Option("--build", tells="Build images anew first.")] = False,
    pull: Annotated[str, Option(tells="When to ask a registry: always, missing or never.")] = "",
    quiet: Annotated[bool, Option("--quiet", "-q", tells="Say nothing of what is done first.")] = False,
    quiet_build: Annotated[bool, Option("--quiet-build", tells="Say nothing while images are built.")] = False,
    quiet_pull: Annotated[bool, Option("--quiet-pull", tells="Say nothing while images are pulled.")] = False,
    cap_add: Annotated[list[str] | None, Option(tells="A capability to add; may be repeated.")] = None,
    cap_drop: Annotated[list[str] | None, Option(tells="A capability to drop; may be repeated.")] = None,
    remove_orphans: Annotated[bool, Option("--remove-orphans", tells="Remove what the file lacks.")] = False,
) -> int:
    """Runs a command in a container of its own, made as its service's are; its exit status becomes ours."""
    if pull:
        one_of("--pull", pull, PULL_WORDS)
    session.refuse_dry_run("run")
    session.require_root()
    on_terminal = terminal and not no_terminal and sys.stdin.isatty() and sys.stdout.isatty()
    changes = RunOptions(
        command=tuple(words or ()),
        entrypoint=entrypoint,
        environment=given_variables(session.environment, environment or (), env_from_file or ()),
        labels=tuple(label or ()),
        user=user,
        directory=directory,
        volumes=tuple(volume or ()),
        ports=tuple(publish or ()),
        service_ports=service_ports,
        cap_add=tuple(cap_add or ()),
        cap_drop=tuple(cap_drop or ()),
        terminal=on_terminal,
        interactive=interactive,
    )
    stack = _stack(session, service, changes)
    one_off = OneOff(
        service=service,
        name=name or stack.separator.join((stack.name, service, "run", os.urandom(6).hex())),
        remove=remove,
        ports=service_ports or bool(publish),
        aliases=use_aliases,
        piped=not detach,
    )
    options = Options(
        services=(service,),
        no_dependencies=no_deps,
        one_off=one_off,
        pull=pull,
        remove_orphans=remove_orphans or session.is_set("COMPOSE_REMOVE_ORPHANS"),
        ignore_orphans=quiet or session.is_set("COMPOSE_IGNORE_ORPHANS"),
    )
    with ExitStack() as resources:
        connection = resources.enter_context(session.connection(session.layout.stack(stack.name)))
        quieter = (quiet, quiet or quiet_build, quiet or quiet_pull)
        made = _make(session, stack, connection, options, build=build, quiet=quieter)
        if isinstance(made, int):
            return made
        try:
            return _run(connection, made, detach=detach, reads=interactive)
        except RequestError as error:
            failures.write(sys.stderr, error.message, error.hint)
            return error.exit_code


def _stack(session: Session, service: str, changes: RunOptions) -> Stack:
    """The stack with the changes; a service that the files do not have is told first."""
    try:
        return session.startable_stack(services=(service,), overlay=overlay(service, changes))
    except FileError:
        require_service(session.stack(services=(service,), warn=False), service)
        raise


def _make(
    session: Session,
    stack: Stack,
    connection: Connection,
    options: Options,
    *,
    build: bool,
    quiet: tuple[bool, bool, bool],
) -> ContainerSpec | int:
    """Makes the container once what it depends on is as it needs it; gives an exit status if that fails.

    Nothing is said of what is `quiet`: the steps, builds, pulls.
    """
    from compose.doing.carrying_out import carry_out  # noqa: PLC0415 - loads while the supervisor does
    from compose.doing.plainlines import Silence  # noqa: PLC0415 - likewise
    from compose.doing.up import Quiet, decide_with_images  # noqa: PLC0415 - likewise
    from engine.leftovers import boot_time, remove_leftovers  # noqa: PLC0415 - likewise

    with session.lock(connection.stack, "run"), images_held(session.layout):
        observed = connection.observe()
        if not observed.containers:
            remove_leftovers(session.layout, booted_at=boot_time())
        found = decide_with_images(
            stack,
            session.layout,
            observed,
            options,
            open_progress=session.progress,
            quiet=Quiet(builds=quiet[1], pulls=quiet[2]),
            environment=session.environment,
            build=build,
        )
        for warning in found.warnings:
            session.warn(warning)
        actions = tuple(step.action for step in found.steps)
        failed = carry_out(
            found,
            connection,
            session.layout,
            progress=Silence() if quiet[0] else session.progress("run", actions),
            records=observed.containers,
            parallel=session.parallel,
        )
    if failed:
        return show_failures(failed)
    name = options.one_off.name if options.one_off else ""
    for action in actions:
        if isinstance(action, CreateContainer) and action.spec.name == name:
            return action.spec
    raise UsageError(f"there is no plan for {name}")


def _run(connection: Connection, spec: ContainerSpec, *, detach: bool, reads: bool) -> int:
    if detach:
        connection.client().ask(Start(id=spec.id))
        sys.stdout.write(f"{spec.id}\n")
        return 0
    from compose.terminal.companionship import Companion, removed  # noqa: PLC0415 - whoever detaches needs none of it
    from compose.terminal.keyboard import DETACH_KEYS, parse_keys  # noqa: PLC0415 - likewise

    record = ContainerRecord(spec=spec, state=ContainerState(id=spec.id))
    companion = Companion(connection, record, reads=reads, detach_keys=parse_keys(DETACH_KEYS))
    status = companion.run()
    if spec.remove_at_end and not companion.detached:
        removed(connection, spec.id)
    return status
