"""A command's one connection to its stack's supervisor, made when it is first needed."""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from compose.deciding.observed import Observed
from compose.doing.survey import observe, volumes
from engine.client import PATIENCE_SECONDS, Client, connect, end_supervisor
from engine.layout import Layout, StackLayout
from engine.protocol import Picture, Snapshot
from engine.spawn import Warm, warm_supervisor
from engine.version import VERSION


class Connection:
    """Starts a supervisor where none lives; one that was warmed up before is used, or let go at the end.

    A supervisor that is silent for twice as long as our patience lasts is given up (see engine.client).
    """

    def __init__(
        self,
        stack: StackLayout,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """`say` tells that a supervisor of another version was replaced."""
        self.stack = stack
        self._say = say
        self._patience_seconds = patience_seconds
        self._warm: Warm | None = None
        self._client: Client | None = None
        self._resources = ExitStack()

    def warm_up(self, layout: Layout) -> None:
        """Begins to load a supervisor, so that it is there when it is needed; not if one seems to listen."""
        if not self.stack.socket.exists():
            self._warm = self._resources.enter_context(warm_supervisor(layout))

    def client(self) -> Client:
        """The client, connected at the first call."""
        if self._client is None:
            client = connect(self.stack, spawn=True, warm=self._warm, patience_seconds=self._patience_seconds)
            if client.greeting.version != VERSION:
                client = self._of_our_version(client)
            self._client = self._resources.enter_context(client)
        return self._client

    def _of_our_version(self, client: Client) -> Client:
        """Puts a supervisor of our own version into another one's place; its containers go on."""
        with client:
            end_supervisor(client)
        self._say(f"the supervisor was of windlass {client.greeting.version}: one of {VERSION} has taken over")
        return connect(self.stack, spawn=True, patience_seconds=self._patience_seconds)

    def renew(self) -> Client | None:
        """Another supervisor's client after the first one has died; None when the stack is gone, too."""
        if self._client is not None:
            self._client.close()
        self._client = self._warm = None
        if not self.stack.containers.is_dir() or not any(self.stack.containers.iterdir()):
            return None
        return self.client()

    def observe(self) -> Observed:
        """What there is of the stack: from its supervisor when it may have containers, else from disk.

        A supervisor knows of containers whose records somebody removed, too.
        """
        has_records = self.stack.containers.is_dir() and any(self.stack.containers.iterdir())
        if not has_records and not self.stack.socket.exists():
            return observe(self.stack)
        picture = self.client().ask(Snapshot())
        if not isinstance(picture, Picture):
            raise TypeError(f"a snapshot is answered with {picture}")
        return Observed(containers=picture.containers, networks=picture.networks, volumes=volumes(self.stack))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client = None
        self._resources.__exit__(kind, error, trace)
