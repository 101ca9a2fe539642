"""`windlass up`."""

import sys
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

from compose.cli import failures
from compose.cli.options import Argument, Option
from compose.cli.outcomes import show_failures
from compose.cli.session import Session
from compose.connection import Connection
from compose.contents import forget_contents
from compose.errors import FileError, UsageError
from compose.execute import Happening
from compose.interrupts import InterruptedByUser
from compose.model import Stack
from compose.observe import containers
from compose.steps import Plan
from compose.wanted import Options
from engine.locks import command_lock
from engine.state import ContainerRecord

if TYPE_CHECKING:
    from compose.foreground import Foreground


class _Way(NamedTuple):
    """How `up` is to go about it."""

    options: Options
    build: bool
    detach: bool
    timeout_seconds: float | None
    color: bool
    prefix: bool
    timestamps: bool


def command(
    session: Session,
    services: Annotated[list[str] | None, Argument("Only these services and what they need.")] = None,
    *,
    detach: Annotated[bool, Option("--detach", "-d", tells="Leave the stack running, show no logs.")] = False,
    wait: Annotated[bool, Option("--wait", tells="Wait until all is running or healthy; implies -d.")] = False,
    wait_timeout: Annotated[float | None, Option(tells="Most seconds to wait with --wait.")] = None,
    build: Annotated[bool, Option("--build", tells="Build images anew first.")] = False,
    force_recreate: Annotated[bool, Option("--force-recreate", tells="Make containers anew.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", tells="Show the plan; change nothing.")] = False,
    remove_orphans: Annotated[bool, Option("--remove-orphans", tells="Remove what the file lacks.")] = False,
    no_deps: Annotated[bool, Option("--no-deps", tells="Leave out what the services depend on.")] = False,
    scale: Annotated[list[str] | None, Option(tells="SERVICE=NUMBER of replicas; may be repeated.")] = None,
    timeout: Annotated[float | None, Option("--timeout", "-t", tells="Seconds before SIGKILL.")] = None,
    no_color: Annotated[bool, Option("--no-color", tells="Log prefixes without colours.")] = False,
    no_log_prefix: Annotated[bool, Option("--no-log-prefix", tells="Logs without prefixes.")] = False,
    timestamps: Annotated[bool, Option("--timestamps", tells="When each line was written.")] = False,
) -> int:
    """Makes and starts what the file asks for, then shows its logs until Ctrl-C."""
    options = Options(
        services=tuple(services or ()),
        scale=_scale(scale or ()),
        no_dependencies=no_deps,
        force_recreate=force_recreate,
        remove_orphans=remove_orphans or session.environment.get("COMPOSE_REMOVE_ORPHANS", "") in {"1", "true"},
        wait=wait,
        grace_seconds=timeout,
    )
    if dry_run:
        from compose.cli.plan import show  # noqa: PLC0415 - only here

        show(session, options, build=build)
        return 0
    session.require_root()
    way = _Way(
        options=options,
        build=build,
        detach=detach or wait,
        timeout_seconds=wait_timeout,
        color=session.color(sys.stdout) and not no_color,
        prefix=not no_log_prefix,
        timestamps=timestamps,
    )
    return _bring_up(session, way)


def _bring_up(session: Session, way: _Way) -> int:
    began = time.monotonic()
    with ExitStack() as resources:
        connection = _warm_connection(session, resources)
        stack = session.startable_stack(services=way.options.services)
        if connection is None or connection.stack.name != stack.name:
            connection = resources.enter_context(Connection(session.layout.stack(stack.name)))
        foreground = None if way.detach else resources.enter_context(_foreground(session, connection, way, stack))
        try:
            with command_lock(connection.stack, "windlass up", on_wait=session.tell_wait):
                found, failed = _carry_out(session, stack, connection, way, foreground)
                forget_contents(connection.stack)
            if not failed and foreground:
                return foreground.watch()
        except KeyboardInterrupt:
            session.tell("interrupted: what was begun stays; `windlass up` goes on with it, `windlass down` removes it")
            return failures.INTERRUPTED
        except InterruptedByUser:
            return foreground.stop() if foreground else failures.INTERRUPTED
        if failed:
            session.tell("`windlass up` goes on from here once that is mended; `windlass down` removes what there is")
            return show_failures(failed)
        _show_result(session, stack, found, connection, time.monotonic() - began)
    return 0


def _foreground(session: Session, connection: Connection, way: _Way, stack: Stack) -> "Foreground":
    from compose.attachment import Attachment  # noqa: PLC0415 - whoever detaches needs none of it
    from compose.foreground import Foreground  # noqa: PLC0415 - likewise
    from compose.loglines import Prefixes  # noqa: PLC0415 - likewise

    prefixes = Prefixes(connection.stack.name, (), color=way.color, shown=way.prefix)
    services = stack.services.values()
    silent = [each.name for each in services if not each.attach and each.name not in way.options.services]
    attachment = Attachment(connection.stack, prefixes, relay=True, timestamps=way.timestamps, silent=silent)
    return Foreground(
        connection,
        attachment,
        say=session.tell,
        open_progress=session.progress,
        grace_seconds=way.options.grace_seconds,
    )


def _warm_connection(session: Session, resources: ExitStack) -> Connection | None:
    """A connection whose supervisor is loaded while the file is being read, if the stack's name is known so far."""
    try:
        name = session.stack_name()
    except (FileError, UsageError, OSError):
        return None  # reading the file tells the same, with all that is wrong besides
    connection = resources.enter_context(Connection(session.layout.stack(name)))
    connection.warm_up(session.layout)
    return connection


def _carry_out(
    session: Session, stack: Stack, connection: Connection, way: _Way, foreground: "Foreground | None"
) -> tuple[Plan, tuple[Happening, ...]]:
    from compose.carrying_out import carry_out  # noqa: PLC0415 - loads while the supervisor does
    from compose.up import decide_with_images  # noqa: PLC0415 - likewise
    from engine.leftovers import boot_time, remove_leftovers  # noqa: PLC0415 - likewise

    observed = connection.observe()
    if not observed.containers:  # after a boot every stack is new
        remove_leftovers(session.layout, booted_at=boot_time())
    found = decide_with_images(
        stack, session.layout, observed, way.options, open_progress=session.progress, build=way.build
    )
    for warning in found.warnings:
        session.warn(warning)
    if foreground:
        foreground.attach(found, observed)
    progress = session.progress("up", tuple(step.action for step in found.steps))
    do = partial(carry_out, found, connection, session.layout, progress=progress, timeout_seconds=way.timeout_seconds)
    if foreground is None:
        return found, do()
    with foreground.beside(progress):
        return found, do(on_event=foreground.handle, wait=foreground.wait)


def _show_result(session: Session, stack: Stack, found: Plan, connection: Connection, seconds: float) -> None:
    if not found.steps:
        session.tell(f"Stack {stack.name} is as its file asks: nothing to do.")
        return
    records = containers(connection.stack)
    running = sum(record.state.status == "running" for record in records)
    session.tell(f"Stack {stack.name} is up: {running} container{'s' if running != 1 else ''} in {seconds:.1f}s")
    for line in _addresses(stack, records):
        session.tell(line)


def _addresses(stack: Stack, records: tuple[ContainerRecord, ...]) -> list[str]:
    """The published addresses, one line each."""
    prefix = f"{stack.name}-"
    return [
        f"  {record.spec.name.removeprefix(prefix)}  {port.host_ip or '0.0.0.0'}:{port.host_port}"  # noqa: S104
        f" -> {port.container_port}/{port.protocol}"
        for record in records
        for port in record.state.ports
    ]


def _scale(texts: tuple[str, ...] | list[str]) -> dict[str, int]:
    """The replicas that `--scale SERVICE=NUMBER` asks for."""
    scale: dict[str, int] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not (equals and number.isdigit()):
            raise UsageError(f"--scale {text}: not of the form SERVICE=NUMBER", hint="for example --scale web=3")
        scale[name] = int(number)
    return scale
