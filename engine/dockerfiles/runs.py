"""Runs a build's commands in containers of a stack of its own, which ends with the build."""

import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from engine.client import Client, connect
from engine.contents import ContentStore
from engine.dockerfiles.agents import forwarded
from engine.dockerfiles.running import SCRIPT_TARGET, CancelledError, Finished, RunOrder
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
from engine.spec import (
    BindMount,
    Confinement,
    ContainerSpec,
    FileMount,
    Limits,
    Mount,
    Namespaces,
    Resolver,
    RestartPolicy,
)
from engine.state import ContainerState
from net.spec import Endpoint, NetworkSpec

_PREFIX = "build-"
_HOLDER = "windlass build"
_HOSTNAME = "build"  # always the same: a step may write it down
_ENDING_SECONDS = 10.0


class BuildStack:
    """A runner; the stack is made when the first command comes, and removed by `close`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._stack = layout.stack(_PREFIX + os.urandom(6).hex())
        self._network = f"{self._stack.name}_default"
        self._held = ExitStack()
        self._lock = threading.Lock()
        self._idle: list[Client] = []
        self._is_open = False
        self._has_network = False
        self._number = 0
        self._cancelled = os.eventfd(0)

    @contextmanager
    def run(self, order: RunOrder, on_output: Callable[[str], None]) -> Iterator[Finished]:
        """Runs a command; see Runner."""
        with self._client(network=order.sandbox.network == "default") as (client, number), ExitStack() as stack:
            container_id = os.urandom(32).hex()
            data = self._stack.data(container_id)
            stack.callback(remove_tree, data)
            spec = self._spec(container_id, number, order, tuple(self._mounts(stack, number, order)))
            client.ask(Create(spec=spec))
            try:
                client.ask(Start(id=container_id))
                state = _follow(client, container_id, data, on_output, self._cancelled)
            except BaseException:
                _discard(client, container_id)
                raise
            client.ask(Remove(id=container_id, keep_data=True))
            if state.exit_code is None:
                raise StateError("how the command ended is not known", hint="build again")
            yield Finished(state.exit_code, data / "upper", state.first_id)

    def cancel(self) -> None:
        """Ends all commands; see Runner."""
        os.eventfd_write(self._cancelled, 1)

    def close(self) -> None:
        """Removes the stack, once no command runs any more; nothing is left of it."""
        os.close(self._cancelled)
        with self._held:
            if self._idle:
                _remove_stack(self._idle[0])

    @contextmanager
    def _client(self, *, network: bool) -> Iterator[tuple[Client, int]]:
        """A conversation with the stack's supervisor, for one command, with the command's number."""
        with self._lock:
            if not self._is_open:
                self._open()
            self._number += 1
            number = self._number
            client = self._idle.pop() if self._idle else self._connected()
            if network and not self._has_network:
                client.ask(EnsureNetwork(spec=NetworkSpec(name=self._network)))
                self._has_network = True
        try:
            yield client, number
        finally:
            with self._lock:
                self._idle.append(client)

    def _open(self) -> None:
        sweep(self._layout)
        self._held.enter_context(command_lock(self._stack, _HOLDER, wait=False))
        self._idle.append(self._connected())
        self._is_open = True

    def _connected(self) -> Client:
        client = connect(self._stack, spawn=True)
        self._held.callback(client.close)
        return client

    def _spec(self, container_id: str, number: int, order: RunOrder, mounts: tuple[Mount, ...]) -> ContainerSpec:
        sandbox = order.sandbox
        return ContainerSpec(
            id=container_id,
            name=f"step-{number}",
            stack=self._stack.name,
            service="build",
            number=number,
            image_id="",
            image_name="",
            layers=order.layers,
            process=msgspec.structs.replace(
                order.process,
                environment={**order.unrecorded, **order.process.environment},
            ),
            hostname=_HOSTNAME,
            config_hash="",
            mounts=mounts,
            endpoints=(Endpoint(network=self._network),) if sandbox.network == "default" else (),
            namespaces=Namespaces(network="" if sandbox.network == "default" else sandbox.network),
            confinement=Confinement(privileged=sandbox.privileged),
            resolver=Resolver(hosts=sandbox.hosts),
            shm_bytes=sandbox.shm_bytes,
            resource_limits=sandbox.limits,
            limits=Limits(memory_bytes=sandbox.memory_bytes),
            restart=RestartPolicy(condition="no"),
        )

    def _mounts(self, stack: ExitStack, number: int, order: RunOrder) -> Iterator[Mount]:
        """The command's mounts, with what is given by this process; it goes with `stack`."""
        yield from order.mounts
        if order.script:
            path = self._stack.directory / f"script-{number}"
            path.write_text(order.script)
            path.chmod(0o755)
            stack.callback(path.unlink)
            yield BindMount(source=str(path), target=SCRIPT_TARGET, read_only=True)
        for secret in order.secrets:
            with self._lock:
                digest = ContentStore(self._stack.contents).put(secret.content)
            yield FileMount(
                target=secret.target,
                digest=digest,
                kind="secret",
                name=secret.name,
                uid=secret.uid,
                gid=secret.gid,
                mode=secret.mode,
            )
        for place, agent in enumerate(order.agents):
            path = self._stack.directory / f"agent-{number}-{place}"
            stack.enter_context(forwarded(agent, path))
            yield BindMount(source=str(path), target=agent.target)


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


def _follow(
    client: Client, container_id: str, data: Path, on_output: Callable[[str], None], cancelled: int
) -> ContainerState:
    """Shows a container's output until it ends; its state then."""
    number = client.send(Wait(id=container_id, condition="exited"))
    follower = Follower()
    try:
        for line in follower.add(container_id, data):
            on_output(_shown(line))
        poll = select.poll()
        poll.register(client.fileno(), select.POLLIN)
        poll.register(follower.fileno(), select.POLLIN)
        poll.register(cancelled, select.POLLIN)
        while True:
            ready = () if client.pending else poll.poll()
            if any(handle == cancelled for handle, _ in ready):
                raise CancelledError("the build ended before this step did")
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
