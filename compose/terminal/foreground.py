"""A stack in the foreground: its output until it ends, or until Ctrl-C stops it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Literal, NamedTuple, Self

from compose.deciding.observed import Observed
from compose.deciding.plan_down import plan_stop
from compose.deciding.steps import Await, Plan, StartContainer
from compose.doing.connection import Connection
from compose.doing.execute import Execution, Happening, Supervisor
from compose.doing.reports import Progress, report_of
from compose.doing.shelf import LocalShelf
from compose.terminal.attachment import Attachment, at_once
from compose.terminal.interrupts import InterruptedByUser, Interrupts, interrupting
from compose.terminal.menu import Menu
from engine.client import Client
from engine.errors import StateError, SupervisorError
from engine.locks import command_lock
from engine.protocol import Event, Kill, Picture, Snapshot, Subscribe
from engine.state import ALIVE, ContainerRecord

INTERRUPTED = 130


class AbortWhen(NamedTuple):
    """What ends the whole stack: any container's end, only a failed one's, or none's (empty).

    The status is then that of the container which ended, or of `service`'s.
    """

    ends: Literal["", "any", "failed"] = ""
    service: str = ""


class Foreground:
    """Shows a stack's output from the moment that it is entered; from then on, Ctrl-C raises InterruptedByUser."""

    def __init__(
        self,
        connection: Connection,
        attachment: Attachment,
        *,
        say: Callable[[str], None],
        open_progress: Callable[[str], Progress],
        grace_seconds: float | None = None,
        abort: AbortWhen = AbortWhen(),  # noqa: B008 - it cannot change
    ) -> None:
        self._abort = abort
        self._connection = connection
        self._attachment = attachment
        self._say = say
        self._open_progress = open_progress
        self._grace_seconds = grace_seconds
        self._resources = ExitStack()
        self._interrupts: Interrupts | None = None
        self._own: set[str] = set()
        self._running: set[str] = set()
        self._jobs: set[str] = set()
        self._aborting: int | None = None
        self.until_told = False
        """As long as there is a stack, ends do not matter: what has ended may come again."""
        self._menu: Menu | None = None
        self._statuses: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._attachment.close()
        self._resources.__exit__(kind, error, trace)

    def attach(self, decided: Plan, observed: Observed) -> None:
        """Listens to what happens from now on, to the output of the containers that go on running as well."""
        self._interrupts = self._resources.enter_context(Interrupts())
        self._connection.client().ask(Subscribe())
        actions = [step.action for step in decided.steps]
        started = {action.id for action in actions if isinstance(action, StartContainer)}
        self._own = {*decided.unchanged, *(action.name for action in actions if isinstance(action, StartContainer))}
        self._jobs = {
            action.name for action in actions if isinstance(action, Await) and action.condition == "completed"
        }
        self._running = {
            record.spec.name
            for record in observed.containers
            if record.spec.name in decided.unchanged and record.state.status in ALIVE
        }
        self._attachment.add_records(
            (
                record
                for record in observed.containers
                if record.spec.name in decided.unchanged or record.spec.id in started
            ),
            tail=0,
        )

    def follow(self, records: Iterable[ContainerRecord], *, tail: int | None) -> None:
        """Shows the last lines of some containers, in the order of time, then what comes of any.

        There is nothing to be stopped in order: Ctrl-C ends it wherever it is, be it in a write that nobody reads.
        """
        self._resources.enter_context(interrupting())
        self._connection.client().ask(Subscribe())
        self._attachment.add_records(records, tail=tail)

    @contextmanager
    def beside(self, progress: Progress) -> Iterator[None]:
        """Shows output above some progress for a block."""
        self._attachment.above = progress.above
        try:
            yield
        finally:
            self._attachment.above = at_once

    def wait(self, supervisor: Supervisor, timeout_seconds: float | None) -> bool:
        """Shows output until the supervisor has news; see compose.doing.execute."""
        return self._attachment.wait(supervisor, timeout_seconds, self._interrupts, self._menu)

    def handle(self, event: Event) -> None:
        """Takes note of an event."""
        self._attachment.handle(event)
        name = event.container_name
        if name not in self._own:
            return
        if event.action in {"start", "restart"}:
            self._running.add(name)
        if event.action != "die" or event.record is None or event.record.state.status == "restarting":
            return
        state = event.record.state
        self._running.discard(name)
        status = 1 if state.exit_code is None else state.exit_code
        self._statuses[event.service] = status
        # A job that others wait for has done what it was started for.
        expected = status == 0 and (name in self._jobs or self._abort.ends == "failed")
        if self._abort.ends and not expected and self._aborting is None:
            self._aborting = status

    def watch(self, menu: Menu | None = None) -> int:
        """Shows output until everything has ended (0), or one container's end ends all; raises InterruptedByUser.

        Keys of a menu do what they are for meanwhile.
        """
        self._menu = menu
        while (
            self.until_told or self._running or (not self._own and self._attachment.alive)
        ) and self._aborting is None:
            try:
                client = self._connection.client()
                self.wait(client, None)
                _, reply = client.receive()
                if isinstance(reply, Event):
                    self.handle(reply)
            except SupervisorError:
                self._find_again()
        self._attachment.print_news()
        if self._aborting is None:
            return self._statuses.get(self._abort.service, 0)
        self.stop("Aborting on container exit...")
        return self._statuses.get(self._abort.service, 0) if self._abort.service else self._aborting

    def stop(self, why: str = "Gracefully stopping... (press Ctrl+C again to force)") -> int:
        """Stops what belongs to this command; Ctrl-C meanwhile kills it. Returns 0, or 130 after it was killed."""
        self._say(why)
        self._menu = None
        try:
            with command_lock(self._connection.stack, "windlass up", wait=False):
                return self._stop()
        except StateError as error:
            self._say(f"{error.message}: the containers are left to it")
            return INTERRUPTED

    def _stop(self) -> int:
        client = self._connection.client()
        observed = self._connection.observe()
        mine = tuple(record for record in observed.containers if record.spec.name in self._own)
        decided = plan_stop(self._connection.stack.name, mine, grace_seconds=self._grace_seconds)
        progress = self._open_progress("stop")
        stopping = _Stopping(self, client, mine_ids=[record.spec.id for record in mine])

        def tell(happening: Happening) -> None:
            report = report_of(happening)
            if report:
                progress.report(report)

        execution = Execution(
            decided,
            lambda: client,
            LocalShelf(self._connection.stack.roots),
            on_happening=tell,
            on_event=self.handle,
            wait=stopping.wait,
            persist=True,
        )
        with self.beside(progress):
            try:
                execution.run()
                self._attachment.print_news()
            finally:
                progress.close()
        return INTERRUPTED if stopping.forced else 0

    def _find_again(self) -> None:
        """Goes on with another supervisor after the first has died; what has ended meanwhile is noticed."""
        client = self._connection.renew()
        if client is None:
            self.until_told = False
            self._attachment.alive.clear()
            self._running.clear()
            return
        client.ask(Subscribe())
        picture = client.ask(Snapshot())
        if isinstance(picture, Picture):
            running = {record.spec.name for record in picture.containers if record.state.status != "exited"}
            self._attachment.alive &= running
            self._running &= running


class _Stopping:
    """Waits while containers stop; Ctrl-C meanwhile kills them."""

    def __init__(self, foreground: Foreground, client: Client, *, mine_ids: list[str]) -> None:
        self._foreground = foreground
        self._client = client
        self._mine_ids = mine_ids
        self.forced = False

    def wait(self, supervisor: Supervisor, timeout_seconds: float | None) -> bool:
        """See compose.doing.execute."""
        while True:
            try:
                return self._foreground.wait(supervisor, timeout_seconds)
            except InterruptedByUser:
                self.forced = True
                for container_id in self._mine_ids:
                    self._client.send(Kill(id=container_id))
