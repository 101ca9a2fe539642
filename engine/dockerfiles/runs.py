"""Runs a build's commands in containers of a stack of its own, which ends with the build."""

import os
import select
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from engine.client import Client, connect
from engine.dockerfiles.running import SCRIPT_TARGET, Finished, RunOrder
from engine.errors import EngineError, RequestError, StateError
from engine.images.workspaces import remove_tree
from engine.layout import Layout, StackLayout
from engine.locks import command_lock
from engine.logfollow import Follower
from engine.logreader import LogLine
from engine.protocol import (
    Create,
    EnsureNetwork,
    Failure,
    OneContainer,
    Picture,
    Remove,
    RemoveNetwork,
    Reply,
    Shutdown,
    Snapshot,
    Start,
    Stop,
    Wait,
)
from engine.spec import BindMount, ContainerSpec, RestartPolicy
from engine.state import ContainerState
from net.spec import Endpoint, NetworkSpec

_PREFIX = "build-"
_HOLDER = "windlass build"
_ENDING_SECONDS = 10.0


class BuildStack:
    """A runner; the stack is made when the first command comes, and removed by `close`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._stack = layout.stack(_PREFIX + os.urandom(6).hex())
        self._network = f"{self._stack.name}_default"
        self._held = ExitStack()
        self._client: Client | None = None
        self._number = 0

    @contextmanager
    def run(self, order: RunOrder, on_output: Callable[[str], None]) -> Iterator[Finished]:
        """Runs a command; see Runner."""
        client = self._client or self._open()
        self._number += 1
        container_id = os.urandom(32).hex()
        data = self._stack.data(container_id)
        with ExitStack() as stack:
            stack.callback(remove_tree, data)
            mounts = (self._script(stack, order.script),) if order.script else ()
            client.ask(Create(spec=self._spec(container_id, order, mounts)))
            try:
                client.ask(Start(id=container_id))
                state = _follow(client, container_id, data, on_output)
            except BaseException:
                _discard(client, container_id)
                raise
            client.ask(Remove(id=container_id, keep_data=True))
            if state.exit_code is None:
                raise StateError("how the command ended is not known", hint="build again")
            yield Finished(state.exit_code, data / "upper", state.first_id)

    def close(self) -> None:
        """Removes the stack; nothing is left of it."""
        client, self._client = self._client, None
        with self._held:
            if client is not None:
                _remove_stack(client)

    def _open(self) -> Client:
        sweep(self._layout)
        self._held.enter_context(command_lock(self._stack, _HOLDER, wait=False))
        client = connect(self._stack, spawn=True)
        self._held.callback(client.close)
        self._client = client
        client.ask(EnsureNetwork(spec=NetworkSpec(name=self._network)))
        return client

    def _spec(self, container_id: str, order: RunOrder, mounts: tuple[BindMount, ...]) -> ContainerSpec:
        return ContainerSpec(
            id=container_id,
            name=f"step-{self._number}",
            stack=self._stack.name,
            service="build",
            number=self._number,
            image_id="",
            image_name="",
            layers=order.layers,
            process=msgspec.structs.replace(
                order.process,
                environment={**order.proxies, **order.process.environment},
            ),
            hostname=container_id[:12],
            config_hash="",
            mounts=mounts,
            endpoints=(Endpoint(network=self._network),),
            restart=RestartPolicy(condition="no"),
        )

    def _script(self, stack: ExitStack, content: str) -> BindMount:
        path = self._stack.directory / f"script-{self._number}"
        path.write_text(content)
        path.chmod(0o755)
        stack.callback(path.unlink)
        return BindMount(source=str(path), target=SCRIPT_TARGET, read_only=True)


def sweep(layout: Layout) -> None:
    """Removes what builds left that were killed: their stacks' locks are free."""
    with suppress(FileNotFoundError):
        for path in sorted(layout.stacks.iterdir()):
            if path.name.startswith(_PREFIX):
                with suppress(EngineError):
                    _sweep_one(layout.stack(path.name))


def _sweep_one(stack: StackLayout) -> None:
    with command_lock(stack, _HOLDER, wait=False):
        client = connect(stack, spawn=True)
        try:
            _remove_stack(client)
        finally:
            client.close()


def _remove_stack(client: Client) -> None:
    picture = client.ask(Snapshot())
    if isinstance(picture, Picture):
        for record in picture.containers:
            _discard(client, record.spec.id)
        for network in picture.networks:
            client.ask(RemoveNetwork(name=network.spec.name))
    supervisor = os.pidfd_open(client.greeting.pid)
    try:
        client.ask(Shutdown())
        select.select([supervisor], [], [], _ENDING_SECONDS)  # its last act is to remove the stack's directory
    finally:
        os.close(supervisor)


def _discard(client: Client, container_id: str) -> None:
    with suppress(RequestError):
        client.ask(Stop(id=container_id, grace_seconds=0))
    client.ask(Remove(id=container_id))


def _follow(client: Client, container_id: str, data: Path, on_output: Callable[[str], None]) -> ContainerState:
    """Shows a container's output until it ends; its state then."""
    number = client.send(Wait(id=container_id, condition="exited"))
    follower = Follower()
    try:
        for line in follower.add(container_id, data):
            on_output(_shown(line))
        poll = select.poll()
        poll.register(client.fileno(), select.POLLIN)
        poll.register(follower.fileno(), select.POLLIN)
        while True:
            if not client.pending:
                poll.poll()
            for _, line in follower.collect():
                on_output(_shown(line))
            reply = _reply_if_there(client, number)
            if reply is not None:
                for line in follower.remove(container_id):
                    on_output(_shown(line))
                return _state(reply)
    finally:
        follower.close()


def _shown(line: LogLine) -> str:
    """A line as a terminal would leave it: what stood before a carriage return was written over."""
    return line.text.decode(errors="replace").rstrip("\r").rpartition("\r")[2]


def _reply_if_there(client: Client, number: int) -> Reply | None:
    poll = select.poll()
    poll.register(client.fileno(), select.POLLIN)
    while client.pending or poll.poll(0):
        answered, reply = client.receive()
        if answered == number:
            return reply
    return None


def _state(reply: Reply) -> ContainerState:
    match reply:
        case OneContainer(record=record):
            return record.state
        case Failure():
            raise RequestError(reply.message, hint=reply.hint)
        case _:
            raise StateError(f"the supervisor answers a wait with {type(reply).__name__}")
