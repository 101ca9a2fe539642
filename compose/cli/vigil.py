"""Keeps watch over files and has done what their changes ask for: the loop of `watch` and of `up --watch`.

Whatever is done runs in a process of its own: a file that cannot be read, a build that fails or an image that cannot be
pulled ends that one alone, and the watch goes on.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from compose import naming
from compose.cli import failures
from compose.cli.bringing import Way, bring_up
from compose.cli.changing import change
from compose.cli.exec import run_inside
from compose.cli.session import Session
from compose.deciding.options import Options
from compose.deciding.plan_life import plan_restart
from compose.deciding.selection import selected_services
from compose.doing.observe import containers
from compose.errors import FileError, UsageError
from compose.model import Hook, Stack
from compose.terminal.interrupts import Interrupts
from compose.watching.acting import sync_service
from compose.watching.batches import Batch, Transfer, decide, first_batch
from compose.watching.notices import Notices
from compose.watching.rules import Rule, context_of, gather, relative
from engine import spec, syscalls
from engine.images.model import Image
from engine.processes import has_ended, kill_and_reap
from engine.state import ContainerRecord
from engine.syscalls import Clone, Prctl

_QUIET_SECONDS: Final = 0.1  # nothing has changed for so long: an editor, or a checkout, is done
_LONGEST_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 10.0
_SIGN: Final = " ⦿ "


class Vigil(NamedTuple):
    """What to watch: the files of these services (empty: all that say so). `prune` removes replaced images."""

    services: tuple[str, ...]
    prune: bool = True
    quiet: bool = False


def keep_watch(session: Session, vigil: Vigil, *, start: bool) -> int:
    """Watches until Ctrl-C; with `start`, what the services need is built and started first."""
    with Interrupts() as interrupts:
        return _Watch(session, vigil, interrupts).run(start=start)


def beside_output(
    session: Session, vigil: Vigil, stack: Stack, *, required: bool
) -> Callable[[], AbstractContextManager[None]] | None:
    """What watches in another process while a block runs; if that is not `required`, None where nothing is watched."""
    try:
        require_watched(stack, vigil.services)
    except UsageError:
        if required:
            raise
        return None
    return partial(_beside, session, vigil)


@contextmanager
def _beside(session: Session, vigil: Vigil) -> Iterator[None]:
    sys.stdout.flush()
    parent = os.getpid()
    pid, pidfd = syscalls.clone3(Clone(0))
    if pid == 0:
        session.progress_mode = "plain" if session.progress_mode in {"auto", "tty"} else session.progress_mode
        _be(lambda: keep_watch(session, vigil, start=False), parent)
    try:
        yield
    finally:
        _end(pidfd)
        os.close(pidfd)


def require_watched(stack: Stack, services: Iterable[str]) -> None:
    """Refuses, with UsageError, what says nothing about watching, and rebuilding what is not built."""
    named = tuple(services)
    for name in named:
        if name in stack.services and not stack.services[name].watch:
            hint = f"write under services.{name}: develop: {{watch: [{{path: ., action: rebuild}}]}}"
            raise UsageError(f"service {name} has nothing to watch: it has no develop.watch", hint=hint)
    if not any(service.watch for service in stack.services.values()):
        hint = "write under a service: develop: {watch: [{path: ., action: rebuild}]}"
        raise UsageError("no service has anything to watch: none has a develop.watch", hint=hint)
    for service in stack.services.values():
        for index, trigger in enumerate(service.watch):
            if trigger.action == "rebuild" and service.build is None:
                said = f"{stack.place('services', service.name, 'develop', 'watch', index)}"
                message = f"{said}: service {service.name} cannot be rebuilt: it has no `build`"
                raise UsageError(message, hint="use another action, or add a build context")


class _Watch:
    """One watch, with the files as they are described now."""

    def __init__(self, session: Session, vigil: Vigil, interrupts: Interrupts) -> None:
        self._session = session
        self._vigil = vigil
        self._interrupts = interrupts
        self._stack = self._read(warn=True)
        self._place = session.layout.stack(self._stack.name)
        self._rules: tuple[Rule, ...] = ()
        self._about: frozenset[str] = frozenset()
        self._notices = self._look()

    def run(self, *, start: bool) -> int:
        """See `keep_watch`."""
        if start:
            wanted = Options(services=self._vigil.services)
            status = self._apart(partial(self._bring_up, wanted, build=True))
            if status:
                return status
        self._say(f"Watch enabled: {len(self._notices):,} directories")
        self._act(first_batch(self._rules))
        while not self._interrupts.take():
            changed = self._changes()
            if self._notices.overflowed:
                self._say("too much has changed at once: everything is copied anew")
                self._notices.overflowed = False
                changed = (*changed, *(rule.trigger.path for rule in self._rules))
            if self._about.intersection(changed):
                self._follow_files(sorted(self._about.intersection(changed)))
            self._act(decide(self._rules, changed))
        return failures.INTERRUPTED

    def _changes(self) -> tuple[str, ...]:
        """Waits for changes, and then until there are none for a moment; nothing when Ctrl-C came."""
        changed: dict[str, None] = {}
        deadline: float | None = None
        while True:
            timeout = None if deadline is None else max(0.0, min(_QUIET_SECONDS, deadline - time.monotonic()))
            sources = [self._notices.fileno(), self._interrupts.fileno()]
            ready = select.select(sources, [], [], timeout)[0]
            if self._interrupts.fileno() in ready or not ready:
                return tuple(changed)
            for path in self._notices.news():
                if path in self._about or any(rule.matters(path) for rule in self._rules):
                    changed[path] = None
                    deadline = deadline or time.monotonic() + _LONGEST_SECONDS
            if self._notices.overflowed:
                return tuple(changed)

    def _act(self, batch: Batch) -> None:
        """Does what a batch asks for, one thing after the other."""
        if batch.rebuild:
            names = ", ".join(batch.rebuild)
            self._say(f"Rebuilding {names} after changes were detected")
            wanted = Options(services=batch.rebuild, no_dependencies=True)
            if self._apart(partial(self._bring_up, wanted, build=True)) == 0:
                self._say(f"{names}: rebuilt")
                self._act(first_batch([rule for rule in self._rules if rule.service in batch.rebuild]))
                if self._vigil.prune:
                    self._apart(self._prune)
        for service, transfers in batch.sync.items():
            changes = "1 change was" if len(transfers) == 1 else f"{len(transfers)} changes were"
            self._say(f"Syncing service {service} after {changes} detected")
            self._apart(partial(self._sync, service, transfers))
        if batch.restart:
            restart = partial(self._restart, batch.restart)
            if self._apart(restart) == 0:
                self._say(f"{', '.join(batch.restart)}: restarted")
        for service, hooks in batch.run.items():
            for hook in hooks:
                self._apart(partial(self._run, service, hook))

    def _follow_files(self, changed: list[str]) -> None:
        """Brings the stack to what its files say now; when they say nothing sensible, all stays as it was."""
        names = ", ".join(Path(path).name for path in changed)
        self._say(f"{names} changed: bringing the stack to what it says")
        try:
            stack = self._read(warn=False)
        except (FileError, UsageError) as error:
            failures.show(error, sys.stderr, color=self._session.color(sys.stderr))
            self._say("the stack stays as it was until that is mended")
            return
        if stack.name != self._stack.name:
            self._say(f"the stack is called {stack.name} now: this watch stays with {self._stack.name}")
            return
        self._stack = stack
        self._apart(partial(self._bring_up, Options(services=self._vigil.services), build=False))
        self._notices.close()
        self._notices = self._look()
        self._act(first_batch(self._rules))

    def _read(self, *, warn: bool) -> Stack:
        stack = self._session.stack(services=self._vigil.services, warn=warn)
        if stack.obstacles:
            raise FileError(stack.obstacles)
        require_watched(stack, self._vigil.services)
        return stack

    def _look(self) -> Notices:
        """Begins to watch what the files name."""
        services = selected_services(self._stack, Options(services=self._vigil.services))
        rules = gather(services, context_of)
        self._rules = tuple(rule for rule in rules if not self._is_mounted(rule))
        self._about = frozenset(_described_by(self._stack))
        descends = partial(_any_descends, self._rules)
        return Notices((*(rule.trigger.path for rule in self._rules), *self._about), descends)

    def _is_mounted(self, rule: Rule) -> bool:
        """Whether what a rule copies is in the containers anyway: copying would write over the source itself."""
        for mount in self._stack.services[rule.service].mounts:
            if rule.syncs and mount.type == "bind" and relative(rule.trigger.path, mount.source) is not None:
                self._session.warn(f"{rule.trigger.path} is mounted in {rule.service}: it is not watched")
                return True
        return False

    def _bring_up(self, wanted: Options, *, build: bool) -> int:
        way = Way(options=wanted, verb="watch", build=build, quiet_build=self._vigil.quiet)
        return bring_up(self._session, way)

    def _restart(self, services: tuple[str, ...]) -> int:
        return change(
            self._session,
            "restart",
            services,
            lambda stack, observed: plan_restart(stack, observed.containers, services),
        )

    def _sync(self, service: str, transfers: tuple[Transfer, ...]) -> int:
        records = self._running(service)
        if not records:
            self._say(f"{service} does not run: nothing was copied")
            return 0
        lock = self._session.lock(self._place, "watch")
        synced = sync_service(self._place, records, transfers, lock)
        for name, error in synced.failures:
            failures.write(sys.stderr, f"{name}: {error.message}", error.hint)
        return failures.WRONG if synced.failures else 0

    def _run(self, service: str, hook: Hook) -> int:
        inner = spec.Hook(
            argv=hook.command,
            user=hook.user,
            privileged=hook.privileged,
            working_directory=hook.working_dir,
            environment=hook.environment,
        )
        worst = 0
        for record in self._running(service):
            status = run_inside(
                self._session, self._place, record, inner, on_terminal=False, detach=False, interactive=False
            )
            if status:
                self._say(f"{record.spec.name}: {' '.join(hook.command)} ended with {status}")
            worst = max(worst, status)
        return worst

    def _prune(self) -> int:
        from engine.housekeeping.cleaning import prune  # noqa: PLC0415 - only after a rebuild

        def is_ours(image: Image) -> bool:
            return image.config.labels.get(naming.PROJECT) == self._stack.name

        prune(self._session.layout, unwanted=is_ours)
        return 0

    def _running(self, service: str) -> list[ContainerRecord]:
        return [
            record
            for record in containers(self._place)
            if record.spec.service == service and record.state.status == "running" and not record.spec.one_off
        ]

    def _apart(self, action: Callable[[], int]) -> int:
        """Does something in a process of its own; returns its exit status. Ctrl-C ends it."""
        sys.stdout.flush()
        parent = os.getpid()
        pid, pidfd = syscalls.clone3(Clone(0))
        if pid == 0:
            _be(action, parent)
        try:
            ready = select.select([pidfd, self._interrupts.fileno()], [], [])[0]
            if pidfd not in ready:
                _end(pidfd, signal.SIGINT)
                return failures.INTERRUPTED
            ended = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
            return failures.INTERRUPTED if ended is None else ended.si_status
        finally:
            os.close(pidfd)

    def _say(self, text: str) -> None:
        self._session.tell(f"{_SIGN}{text}")


def _described_by(stack: Stack) -> Iterator[str]:
    """The files that say what the stack is: its own, and those of variables."""
    yield from (*stack.files, *stack.env_files)
    services = stack.document.fields.get("services") if stack.document else None
    for service in services.fields.values() if services else ():
        for entry in service.fields["env_file"].entries if "env_file" in service.fields else ():
            yield str(entry.fields["path"].value)


def _any_descends(rules: tuple[Rule, ...], directory: str) -> bool:
    return any(rule.descends(directory) for rule in rules)


def _be(action: Callable[[], int], parent: int) -> None:
    """Makes this process, just cloned, one that does something and ends, with its parent if need be."""
    status = failures.BUG
    try:
        syscalls.prctl(Prctl.SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(status)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        status = action()
    except BaseException as error:  # noqa: BLE001 - there is nobody above to see it
        known = error if isinstance(error, KeyboardInterrupt | Exception) else KeyboardInterrupt()
        status = failures.show(known, sys.stderr)
    finally:
        try:
            sys.stdout.flush()
        finally:
            os._exit(status)


def _end(pidfd: int, number: signal.Signals = signal.SIGTERM) -> None:
    """Ends a process: Ctrl-C may have reached it already; if it has not ended after a moment, it is told."""
    select.select([pidfd], [], [], _QUIET_SECONDS)
    if not has_ended(pidfd):
        signal.pidfd_send_signal(pidfd, number)
    select.select([pidfd], [], [], _PATIENCE_SECONDS)
    kill_and_reap(pidfd)
