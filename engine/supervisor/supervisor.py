"""Answers the requests of a stack's clients."""

import contextlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.errors import EngineError, RequestError
from engine.layout import StackLayout
from engine.namespaces import remove_pins
from engine.protocol import (
    Admit,
    Attach,
    Create,
    Done,
    EnsureNetwork,
    Failure,
    Greeting,
    Hello,
    Kill,
    Leave,
    OneContainer,
    OneNetwork,
    Pause,
    Picture,
    Remove,
    RemoveNetwork,
    Rename,
    Reply,
    Request,
    Rest,
    Retire,
    Shutdown,
    Snapshot,
    Start,
    Stop,
    Subscribe,
    Unpause,
    Wait,
    Watch,
)
from engine.state import ContainerRecord
from engine.supervisor.adoption import adopt
from engine.supervisor.attaching import attach, taken
from engine.supervisor.containers import Answered, Container
from engine.supervisor.creating import create, forget_damaged, remove
from engine.supervisor.leaving import take_left
from engine.supervisor.loop import Loop
from engine.supervisor.mending import mend
from engine.supervisor.pausing import let_go_on, pause, unpause
from engine.supervisor.removal import remove_in_slices
from engine.supervisor.replacing import admit, rename, retire, watch
from engine.supervisor.server import Answer, Connection, Server
from engine.supervisor.sharing import follow
from engine.supervisor.site import Site
from engine.supervisor.starting import restart, start
from engine.supervisor.stopping import kill, stop
from engine.terminals import WindowSize
from engine.version import VERSION
from net.errors import NetError

_LOOK_SECONDS = 2.0


class Supervisor:
    """One stack's supervisor: made, it listens and has adopted what ran; `run` lasts until it is shut down.

    `holds_stack` says whether the stack's directory is still the one that it was made in.
    """

    def __init__(
        self, stack: StackLayout, layer_directory: Callable[[str], Path], *, holds_stack: Callable[[], bool]
    ) -> None:
        self._stack = stack
        self._holds_stack = holds_stack
        self._loop = Loop()
        self._site = Site(stack, self._loop, layer_directory=layer_directory)
        self._site.restart = partial(restart, self._site)
        self._site.follow = partial(follow, self._site)
        adopt(self._site)
        self._server = Server(stack.socket, self._loop, self._handle)
        self._site.broadcast = self._server.broadcast
        self._loop.call_later(_LOOK_SECONDS, self._look_for_stack)

    def run(self) -> None:
        """Serves until a Shutdown was carried out, or somebody removed the stack's directory."""
        self._loop.run()
        if self._holds_stack():
            self._server.close()

    def _look_for_stack(self) -> None:
        """Makes room for the next supervisor, which ends what runs, when what is on disk is no longer ours."""
        if self._holds_stack():
            self._loop.call_later(_LOOK_SECONDS, self._look_for_stack)
            mend(self._site)
        else:
            self._loop.stop()

    def _handle(self, connection: Connection, request: Request, answer: Answer) -> None:
        try:
            reply = self._reply(connection, request, answer)
        except (EngineError, NetError) as error:
            reply = Failure(message=error.message, hint=error.hint)
        except OSError as error:
            reply = Failure(message=f"{type(request).__name__.lower()} failed: {error}")
        if reply is not None:
            answer(reply)

    def _reply(  # noqa: C901, PLR0912, PLR0915 - a table
        self, connection: Connection, request: Request, answer: Answer
    ) -> Reply | None:
        """The reply to a request, None when it is answered later."""
        site = self._site
        reply: Reply | None = None
        match request:
            case Hello():
                reply = Greeting(version=VERSION, pid=os.getpid())
            case EnsureNetwork(spec=network):
                reply = OneNetwork(state=site.network.ensure_network(network))
            case RemoveNetwork(name=name):
                site.network.remove_network(name)
                reply = Done()
            case Create(spec=spec):
                reply = OneContainer(record=create(site, spec).record)
            case Start(id=container_id, aside=aside):
                start(site, self._container(container_id), _telling(answer), aside=aside)
            case Admit(id=container_id):
                admit(site, self._container(container_id), _telling(answer))
            case Retire(id=container_id, drain_seconds=drain_seconds):
                retire(site, self._container(container_id), drain_seconds, _telling(answer))
            case Attach(id=container_id):
                with taken(connection.take_descriptors()) as fds:
                    attach(site, self._container(container_id), fds, WindowSize(request.rows, request.columns))
                reply = OneContainer(record=self._container(container_id).record)
            case Leave():
                with taken(connection.take_descriptors()) as fds:
                    take_left(site.loop, fds)
                reply = Done()
            case Rename(id=container_id, name=name):
                container = self._container(container_id)
                rename(site, container, name)
                reply = OneContainer(record=container.record)
            case Watch(id=container_id, seconds=seconds, may_finish=may_finish):
                watch(site, self._container(container_id), seconds, _telling(answer), may_finish=may_finish)
            case Rest(seconds=seconds):
                self._loop.call_later(seconds, lambda: answer(Done()))
            case Stop(id=container_id, grace_seconds=grace_seconds, leaves=leaves):
                stop(site, self._container(container_id), grace_seconds, _telling(answer), leaves=leaves)
            case Kill(id=container_id, signal=signal_name):
                kill(site, self._container(container_id), signal_name, _telling(answer))
            case Pause(id=container_id, held=held):
                container = self._container(container_id)
                pause(site, container, _telling(answer))
                if held:
                    connection.at_end.append(partial(let_go_on, site, container))
            case Unpause(id=container_id):
                unpause(site, self._container(container_id), _telling(answer))
            case Remove(id=container_id, keep_data=keep_data):
                reply = self._remove(container_id, answer, keep_data=keep_data)
            case Wait(id=container_id, condition=condition):
                container = self._container(container_id)
                container.waits.append((condition, _telling(answer)))
                site.settle_waits(container)
            case Snapshot():
                reply = self._picture()
            case Subscribe():
                connection.subscribed = True
                reply = Done()
            case Shutdown():
                reply = self._shut_down()
        return reply

    def _container(self, container_id: str) -> Container:
        container = self._site.containers.get(container_id)
        if container is None:
            raise RequestError(f"there is no container {container_id[:12]} in the stack {self._stack.name}")
        if container.removing:
            raise RequestError(f"container {container.spec.name} is being removed")
        return container

    def _picture(self) -> Picture:
        """Everything that there is; records that somebody removed are written again, since `ps` reads them."""
        mend(self._site)
        return Picture(
            containers=tuple(container.record for container in self._site.containers.values()),
            networks=tuple(self._site.network.networks.values()),
        )

    def _remove(self, container_id: str, answer: Answer, *, keep_data: bool) -> Reply | None:
        container = self._site.containers.get(container_id)
        if container is None:
            return Done()
        if container.running:
            raise RequestError(f"container {container.spec.name} is running", hint="stop it first")
        remove(self._site, container, keep_data=keep_data, answer=lambda failure: answer(failure or Done()))
        return None

    def _shut_down(self) -> Reply:
        """Removes everything, down to the directory that the held lock lies in; cut off anywhere, it is repeated."""
        if self._site.containers:
            names = ", ".join(sorted(container.spec.name for container in self._site.containers.values()))
            raise RequestError(f"the stack {self._stack.name} still has containers: {names}", hint="remove them first")
        forget_damaged(self._site)
        with self._site.network.removing():
            self._site.cgroups.remove_all()
            for directory in (self._stack.roots.data / "containers", self._stack.roots.id_ranges):
                with contextlib.suppress(OSError):
                    directory.rmdir()
        remove_pins(self._stack.pins)
        self._server.stop_listening()
        for _ in remove_in_slices(self._stack.directory):
            pass
        self._loop.stop()
        return Done()


def _telling(answer: Answer) -> Answered:
    def tell(reply: ContainerRecord | Failure) -> None:
        answer(reply if isinstance(reply, Failure) else OneContainer(record=reply))

    return tell
