"""Accompanies a container of a stack: its output comes to us, our input goes to it, until it ends or we detach."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial

from compose.doing.connection import Connection
from compose.terminal.conversation import LEFT, PROXIED, UNKNOWN, catching
from compose.terminal.keyboard import Detached, DetachKeys, raw_terminal, window_size
from compose.terminal.pipes import Pipes
from compose.terminal.streaming import Flow, Stream, carry
from engine import terminals
from engine.client import Client
from engine.errors import RequestError, SupervisorError
from engine.processes import open_process
from engine.protocol import Attach, Failure, Kill, OneContainer, Picture, Remove, Snapshot, Start, Wait
from engine.state import ContainerRecord

_PATIENCE = 3  # signals that a program may leave unheeded


class Companion:
    """One container and us. Without `input`, it gets nothing; on a terminal of its own it gets our keys.

    `detach_keys` are bytes, empty for none. With `signals`, those that we get are the container's.
    """

    def __init__(
        self,
        connection: Connection,
        record: ContainerRecord,
        *,
        reads: bool = True,
        detach_keys: bytes = b"",
        signals: bool = True,
    ) -> None:
        self._connection = connection
        self._record = record
        self._reads = reads
        self._keys = DetachKeys(detach_keys)
        self._signals = signals
        self._signalled = 0
        self.detached = False
        self._number = 0
        self._answer: ContainerRecord | None = None
        self._lost = False
        self._resources = ExitStack()
        self._inward: list[Flow] = []
        self._master = -1

    def run(self) -> int:
        """Starts the container and accompanies it; returns its exit status. Raises RequestError if it cannot start."""
        with self._resources:
            piped = self._reads and not self._record.spec.process.terminal
            outward = self._attach(starting=True, piped=piped)
            self._start(self._connection.client())
            return self._accompany(outward)

    def join(self) -> int:
        """Accompanies the container, which runs; returns its exit status, or 0 if we detach."""
        with self._resources:
            process, place = self._record.spec.process, self._connection.stack.container(self._record.spec.id)
            if self._reads and process.stdin_open and not process.terminal:
                fd = os.open(place / "stdin", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                self._inward = [Flow(Stream(0, fd, close_target=True, own_target=True, through=self._through()))]
            return self._accompany(self._attach())

    def _start(self, client: Client) -> None:
        """Starts it, and waits for its end from the beginning: it may be gone the moment after."""
        start = client.send(Start(id=self._record.spec.id))
        self._number = client.send(Wait(id=self._record.spec.id, condition="exited"))
        while True:
            number, reply = client.receive()
            if number == self._number:
                self._answer = reply.record if isinstance(reply, OneContainer) else None
            if number == start and isinstance(reply, OneContainer):
                self._record = reply.record
                return
            if number == start and isinstance(reply, Failure):
                raise RequestError(reply.message, hint=reply.hint, exit_code=reply.exit_code)

    def _through(self) -> Callable[[bytes], bytes] | None:
        return self._keys if os.isatty(0) else None

    def _attach(self, *, starting: bool = False, piped: bool = False) -> list[Flow]:
        """Hands our pipes over; gives what comes out of them."""
        pipes = Pipes(self._resources, from_nowhere=not piped)
        fds = (pipes.stdout, pipes.stderr, *((pipes.stdin,) if piped else ()))
        size = window_size(0) if starting and self._on_terminal() else None
        request = Attach(id=self._record.spec.id, rows=size.rows if size else 0, columns=size.columns if size else 0)
        try:
            self._connection.client().ask(request, fds)
        finally:
            pipes.close_far_ends()
        if piped:
            self._inward = [Flow(stream) for stream in pipes.inward]
        return [Flow(stream) for stream in pipes.outward]

    def _on_terminal(self) -> bool:
        return self._record.spec.process.terminal and self._reads and os.isatty(0)

    def _accompany(self, outward: list[Flow]) -> int:
        sys.stdout.flush()
        with ExitStack() as stack:
            if self._record.spec.process.terminal and self._reads:
                self._take_terminal(stack)
            if self._signals:
                stack.enter_context(catching(self._signal_actions()))
            try:
                return self._converse(outward)
            except Detached:
                self.detached = True
                return LEFT

    def _take_terminal(self, stack: ExitStack) -> None:
        """Has our keys go to the container's terminal, which follows ours in size."""
        process = self._record.state.process
        pidfd = open_process(process) if process else None
        if pidfd is None:
            return
        try:
            master = terminals.held_by(pidfd)
        finally:
            os.close(pidfd)
        if master is None:
            return
        self._resources.callback(os.close, master)
        self._inward = [Flow(Stream(0, master, through=self._through()))]
        if os.isatty(0):

            def follow_size() -> None:
                terminals.resize(master, window_size(0))

            stack.enter_context(raw_terminal(0))
            stack.enter_context(catching({signal.SIGWINCH: follow_size}))
            follow_size()

    def _signal_actions(self) -> Mapping[signal.Signals, Callable[[], None]]:
        def passing_on(number: signal.Signals) -> Callable[[], None]:
            def pass_on() -> None:
                self._signalled += 1
                name = number.name if self._signalled < _PATIENCE else "SIGKILL"
                with suppress(RequestError, SupervisorError):
                    self._connection.client().send(Kill(id=self._record.spec.id, signal=name))

            return pass_on

        return {number: passing_on(number) for number in PROXIED}

    def _converse(self, outward: list[Flow]) -> int:
        while not self._answer:
            client = self._connection.client()
            if not self._number:
                self._number = client.send(Wait(id=self._record.spec.id, condition="exited"))
            self._lost = False
            going_on = carry([*self._inward, *outward], {client.fileno(): partial(self._take, client)})
            self._inward = [flow for flow in self._inward if flow in going_on]
            outward = [flow for flow in outward if flow in going_on]
            carry(outward, {})  # a supervisor closes them once all is said, or when it dies
            if not self._lost:
                return self._status()
            again = self._find_again()
            if again is None:
                return self._status()
            outward = again
        carry(outward, {})
        return self._status()

    def _take(self, client: Client) -> bool:
        """Takes the supervisor's news; whether they end the conversation."""
        try:
            while True:
                number, reply = client.receive()
                if number == self._number:
                    self._answer = reply.record if isinstance(reply, OneContainer) else None
                    return True
                if not client.pending:
                    return False
        except SupervisorError:
            self._lost = True
            return True

    def _find_again(self) -> list[Flow] | None:
        """Goes on with another supervisor after the first has died; None when the container has ended."""
        self._number, self._answer = 0, None
        client = self._connection.renew()
        picture = client.ask(Snapshot()) if client else None
        if not isinstance(picture, Picture):
            return None
        self._answer = next((each for each in picture.containers if each.spec.id == self._record.spec.id), None)
        if self._answer is None or self._answer.state.status != "running":
            return None
        self._answer = None
        return self._attach()

    def _status(self) -> int:
        code = self._answer.state.exit_code if self._answer else None
        return UNKNOWN if code is None else code


def removed(connection: Connection, container_id: str) -> None:
    """Waits until a container that removes itself is gone."""
    with suppress(RequestError, SupervisorError):
        connection.client().ask(Remove(id=container_id))
