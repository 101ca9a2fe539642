"""Brings a stack up, in the foreground or not: what `up`, `create` and `scale` have in common."""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from compose.cli import failures
from compose.cli.outcomes import show_failures
from compose.cli.session import Session
from compose.deciding.observed import Observed
from compose.deciding.options import Options
from compose.deciding.selection import require_service, selected_services
from compose.deciding.steps import Plan
from compose.doing.connection import Connection
from compose.doing.contents import forget_contents
from compose.doing.execute import Happening
from compose.doing.holding import images_held
from compose.doing.observe import containers
from compose.errors import FileError, OverdueError, UsageError
from compose.model import Stack
from compose.terminal.interrupts import InterruptedByUser
from engine.state import ContainerRecord

if TYPE_CHECKING:
    from compose.deciding.taking_back import Extent
    from compose.showing.plan_files import PlanFile
    from compose.terminal.foreground import AbortWhen, Foreground


class Showing(NamedTuple):
    """How output is shown in the foreground.

    `attach` are the services whose output is shown (empty: the named ones, with `dependencies` those that they need);
    `hide` are never shown.
    """

    color: bool = True
    prefix: bool = True
    timestamps: bool = False
    attach: tuple[str, ...] = ()
    dependencies: bool = False
    hide: tuple[str, ...] = ()


class Way(NamedTuple):
    """How to go about it; without `showing`, the stack is left running. `verb` is what was typed.

    `beside` goes on for as long as output is shown, which then is until Ctrl-C, whatever has ended. `kept` is the plan
    that must still hold. If it fails, what ran stays, unless it is `atomic`. Who is `sure` gives up the data of volumes
    whose definition changed.
    """

    options: Options
    verb: str = "up"
    build: bool = False
    quiet_build: bool = False
    quiet_pull: bool = False
    timeout_seconds: float | None = None
    showing: Showing | None = None
    abort: "AbortWhen | None" = None
    kept: "PlanFile | None" = None
    atomic: bool = False
    beside: "Callable[[Stack], Callable[[], AbstractContextManager[None]] | None] | None" = None
    watching: bool = False
    menu: bool = False
    sure: bool = False


def bring_up(session: Session, way: Way) -> int:
    """Carries out what the file asks for; returns the exit status."""
    if session.options.adopt:
        way = way._replace(options=structs.replace(way.options, adopt=True))
    if session.options.dry_run:
        from compose.cli.preview import show  # noqa: PLC0415 - only here

        show(session, way.options, build=way.build)
        return 0
    began = time.monotonic()
    with ExitStack() as resources:
        connection = _warm_connection(session, resources)
        stack = session.startable_stack(services=way.options.services)
        if connection is None or connection.stack.name != stack.name:
            connection = resources.enter_context(session.connection(session.layout.stack(stack.name)))
        beside = way.beside(stack) if way.beside else None
        foreground = resources.enter_context(_foreground(session, stack, connection, way)) if way.showing else None
        try:
            with session.lock(connection.stack, way.verb), images_held(session.layout):
                found, failed = _carry_out(session, stack, connection, way, foreground)
                forget_contents(connection.stack)
            if not failed and foreground:
                from compose.cli.staying import stay  # noqa: PLC0415 - whoever detaches needs none of it

                return stay(session, foreground, beside, watching=way.watching, menu=way.menu)
        except KeyboardInterrupt:
            session.tell("interrupted: what was begun stays; `windlass up` goes on with it, `windlass down` removes it")
            return failures.INTERRUPTED
        except InterruptedByUser:
            return foreground.stop() if foreground else failures.INTERRUPTED
        if failed:
            return show_failures(failed)
        _show_result(session, stack, found, connection, way, time.monotonic() - began)
    return 0


def _foreground(session: Session, stack: Stack, connection: Connection, way: Way) -> "Foreground":
    from compose.showing.loglines import Prefixes  # noqa: PLC0415 - likewise
    from compose.terminal.attachment import Attachment  # noqa: PLC0415 - whoever detaches needs none of it
    from compose.terminal.foreground import AbortWhen, Foreground  # noqa: PLC0415 - likewise

    showing = way.showing or Showing()
    color = showing.color and session.color(sys.stdout)
    prefixes = Prefixes(connection.stack.name, (), color=color, shown=showing.prefix)
    attachment = Attachment(
        connection.stack,
        prefixes,
        relay=True,
        timestamps=showing.timestamps,
        silent=stack.services.keys() - _shown_services(stack, way.options, showing),
    )
    return Foreground(
        connection,
        attachment,
        say=session.tell,
        open_progress=session.progress,
        grace_seconds=way.options.grace_seconds,
        abort=way.abort or AbortWhen(),
    )


def _shown_services(stack: Stack, options: Options, showing: Showing) -> list[str]:
    """The services whose output is shown."""
    for name in (*showing.attach, *showing.hide):
        require_service(stack, name)
    named = showing.attach or options.services
    if not named:
        shown = [service.name for service in stack.services.values() if service.attach]
    elif showing.dependencies:
        shown = [service.name for service in selected_services(stack, Options(services=tuple(named)))]
    else:
        shown = list(named)
    return [name for name in shown if name not in showing.hide]


def _warm_connection(session: Session, resources: ExitStack) -> Connection | None:
    """A connection whose supervisor is loaded while the file is being read, if the stack's name is known so far."""
    try:
        name = session.stack_name()
    except (FileError, UsageError, OSError):
        return None  # reading the file tells the same, with all that is wrong besides
    connection = resources.enter_context(session.connection(session.layout.stack(name)))
    connection.warm_up(session.layout)
    return connection


def _carry_out(
    session: Session, stack: Stack, connection: Connection, way: Way, foreground: "Foreground | None"
) -> tuple[Plan, tuple[Happening, ...]]:
    from compose.deciding.taking_back import Extent  # noqa: PLC0415 - likewise
    from compose.doing.carrying_out import carry_out  # noqa: PLC0415 - loads while the supervisor does
    from compose.doing.up import Quiet, decide_with_images  # noqa: PLC0415 - likewise
    from engine.leftovers import boot_time, remove_leftovers  # noqa: PLC0415 - likewise

    observed = connection.observe()
    if not observed.containers:  # after a boot every stack is new
        remove_leftovers(session.layout, booted_at=boot_time())
    way = way._replace(options=_with_volumes(session, stack, observed, way))
    if way.kept:
        from compose.doing.up import decide  # noqa: PLC0415 - likewise
        from compose.showing.plan_files import require_unchanged  # noqa: PLC0415 - rarely asked for

        now = decide(stack, session.layout, observed, way.kept.options, build=way.kept.build)
        require_unchanged(way.kept, now, stack.directory)
    found = decide_with_images(
        stack,
        session.layout,
        observed,
        way.options,
        open_progress=session.progress,
        quiet=Quiet(builds=way.quiet_build, pulls=way.quiet_pull),
        environment=session.environment,
        build=way.build,
    )
    for warning in found.warnings:
        session.warn(warning)
    if foreground:
        foreground.attach(found, observed)
    progress = session.progress(way.verb, tuple(step.action for step in found.steps))
    do = partial(
        carry_out,
        found,
        connection,
        session.layout,
        progress=progress,
        timeout_seconds=way.timeout_seconds,
        records=observed.containers,
        parallel=session.parallel,
        warn=session.warn,
    )
    rolled = tuple(roll.service for roll in found.rolls)
    extent = Extent(stopped=foreground is not None, removed=way.atomic, rolled=rolled)
    try:
        if foreground is None:
            failed = do()
        else:
            with foreground.beside(progress):
                failed = do(on_event=foreground.handle, wait=foreground.wait)
    except OverdueError:
        _take_back(session, connection, observed, extent, way)
        raise
    if way.options.wait and not failed:
        from compose.doing.standing import fallen  # noqa: PLC0415 - only here

        failed = fallen(selected_services(stack, way.options), connection.observe().containers)
    if failed and found.rolls:
        from compose.cli.aftermath import see_after_updates  # noqa: PLC0415 - few updates fail

        failed += see_after_updates(session, stack, connection, found, failed, observed.containers)
    if failed:
        _take_back(session, connection, observed, extent, way)
    return found, failed


def _with_volumes(session: Session, stack: Stack, observed: Observed, way: Way) -> Options:
    """The options with the volumes that are made anew because their definition changed, as the user says."""
    from compose.deciding.plan_volumes import changed_volumes  # noqa: PLC0415 - loads while the supervisor does

    if way.kept or way.options.no_recreate or not (way.sure or sys.stdin.isatty()):
        return way.options
    changed = changed_volumes(stack, selected_services(stack, way.options), observed)
    given_up = []
    for name, words in changed.items():
        from compose.cli.questions import is_sure  # noqa: PLC0415 - volumes hardly change

        what = f"Volume {name} was made with other {words}: make it anew? Its data will be lost."
        if way.sure or is_sure(session, what):
            given_up.append(name)
    return structs.replace(way.options, recreate_volumes=tuple(given_up))


def _take_back(session: Session, connection: Connection, observed: Observed, extent: "Extent", way: Way) -> None:
    from compose.cli.aftermath import take_back  # noqa: PLC0415 - only what failed needs it

    take_back(session, connection, observed, extent, verb=way.verb)


def _show_result(session: Session, stack: Stack, found: Plan, connection: Connection, way: Way, seconds: float) -> None:
    if found.finished:
        session.tell(f"finished before, not run again: {', '.join(found.finished)} (--rerun-jobs runs all again)")
    if not found.steps:
        session.tell(f"Stack {stack.name} is as its file asks: nothing to do.")
        return
    records = containers(connection.stack)
    if way.options.no_start:
        return
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
