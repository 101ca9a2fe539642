"""Talks to a stack's supervisor, starting it first when asked to."""

import os
import select
import signal
import socket
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import msgspec

from engine import handover
from engine.errors import RequestError, SupervisorError
from engine.layout import StackLayout
from engine.processes import is_stopped
from engine.protocol import Answered, Asked, Failure, Greeting, Hello, Reply, Request
from engine.spawn import Warm, spawn_supervisor
from engine.unixsockets import connect as connect_socket
from engine.unixsockets import peer_pid

PATIENCE_SECONDS = 10.0
_CHUNK_BYTES = 1 << 18

_encode = msgspec.json.Encoder().encode
_answered_decoder = msgspec.json.Decoder(Answered)


def connect(
    stack: StackLayout, *, spawn: bool, warm: Warm | None = None, patience_seconds: float = PATIENCE_SECONDS
) -> "Client":
    """A client of the stack's supervisor; with `spawn`, one is started (or `warm` taken) when none listens.

    Raises SupervisorError when none listens and none may or can be started, or it does not answer in time.
    """
    try:
        return _greet(stack, patience_seconds)
    except (FileNotFoundError, ConnectionRefusedError, _EndedError):
        if not spawn:
            raise SupervisorError(
                f"no supervisor runs for stack {stack.name}", hint="`windlass up` starts one"
            ) from None
    except OSError as error:
        raise _unreachable(stack, error) from error
    if warm is None:
        spawn_supervisor(stack)
    else:
        warm.adopt(stack)
    try:
        return _greet(stack, patience_seconds)
    except OSError as error:
        raise _unreachable(stack, error) from error


def end_supervisor(client: "Client") -> None:
    """Kills a supervisor, as nothing depends on its living, and waits for its end: another one may take over."""
    try:
        pidfd = os.pidfd_open(client.greeting.pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        select.select([pidfd], [], [], PATIENCE_SECONDS)
    except ProcessLookupError:
        return
    finally:
        os.close(pidfd)


def _greet(stack: StackLayout, patience_seconds: float) -> "Client":
    peer = connect_socket(stack.socket, timeout_seconds=patience_seconds)
    try:
        return Client(peer, stack)
    except BaseException:
        peer.close()
        raise


class Client:
    """A conversation with one supervisor. Requests may overlap; replies carry the number that `send` gave.

    A reply may take as long as it likes, but the supervisor must be there: one that is silent for as long as the socket
    times out is greeted, and given up after a second time (SupervisorError). None that answers is ever given up.
    """

    def __init__(self, peer: socket.socket, stack: StackLayout) -> None:
        self._peer = peer
        self._stack = stack
        self._next_number = 1
        self._greeted = False
        self._incoming = bytearray()
        self._arrived: deque[Answered] = deque()
        greeting = self.ask(Hello())
        if not isinstance(greeting, Greeting):
            raise SupervisorError(f"what listens for stack {stack.name} answers a greeting with {greeting}")
        self.greeting = greeting

    @property
    def patience_seconds(self) -> float:
        """How long a silence calls for `greet`."""
        return self._peer.gettimeout() or PATIENCE_SECONDS

    def fileno(self) -> int:
        """The socket, readable when something can be received; but first take what `pending` says is there already."""
        return self._peer.fileno()

    @property
    def pending(self) -> bool:
        """Whether `receive` returns without reading from the socket."""
        return bool(self._arrived)

    def ask(self, request: Request, fds: Sequence[int] = ()) -> Reply:
        """Sends a request, waits for its reply (events and other replies are kept). Raises RequestError on Failure."""
        number = self.send(request, fds)
        kept: list[Answered] = []
        try:
            while True:
                answered = self._receive()
                if answered.number == number:
                    return _unless_failure(answered.reply)
                kept.append(answered)
        finally:
            self._arrived.extendleft(reversed(kept))

    def send(self, request: Request, fds: Sequence[int] = ()) -> int:
        """Sends a request without waiting, with copies of descriptors if it wants any; gives its number."""
        number = self._next_number
        self._next_number += 1
        try:
            message = _encode(Asked(number=number, request=request)) + b"\n"
            if fds:
                handover.send(self._peer, message[:1], fds)
                message = message[1:]
            self._peer.sendall(message)
        except TimeoutError as error:
            raise _silent(self._stack, self._peer) from error
        except OSError as error:
            raise _unreachable(self._stack, error) from error
        return number

    def greet(self) -> None:
        """Asks a silent supervisor whether it is there; SupervisorError when it was asked and has not answered.

        The answer is received as any other, with a number that nobody waits for.
        """
        if self._greeted:
            raise _silent(self._stack, self._peer)
        self._greeted = True
        self.send(Hello())

    def receive(self) -> tuple[int, Reply]:
        """The next reply or event (number 0), waiting for it. A Failure is returned, not raised."""
        answered = self._receive()
        return answered.number, answered.reply

    def close(self) -> None:
        """Ends the conversation; the supervisor carries out what it was asked for all the same."""
        self._peer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _receive(self) -> Answered:
        while not self._arrived:
            try:
                chunk = self._peer.recv(_CHUNK_BYTES)
            except TimeoutError:
                self.greet()
                continue
            except OSError as error:
                raise _unreachable(self._stack, error) from error
            if not chunk:
                raise _EndedError(self._stack)
            self._incoming += chunk
            *lines, self._incoming = self._incoming.split(b"\n")
            self._arrived.extend(_answered_decoder.decode(line) for line in lines)
            self._greeted = False
        return self._arrived.popleft()


class _EndedError(SupervisorError):
    def __init__(self, stack: StackLayout) -> None:
        super().__init__(
            f"the supervisor of stack {stack.name} ended while it was asked something",
            hint=f"its containers go on; run the command again to start another supervisor. See {stack.supervisor_log}",
        )


def _unless_failure(reply: Reply) -> Reply:
    if isinstance(reply, Failure):
        raise RequestError(
            reply.message, hint=reply.hint, stage=reply.stage, errno=reply.errno, exit_code=reply.exit_code
        )
    return reply


def _silent(stack: StackLayout, peer: socket.socket) -> SupervisorError:
    """What to say of a supervisor that takes what it is sent but does not answer."""
    pid = peer_pid(peer)
    if is_stopped(pid):
        return SupervisorError(
            f"the supervisor of stack {stack.name} (process {pid}) is stopped and does not answer",
            hint=f"kill -CONT {pid} lets it go on; kill -9 {pid} ends it, and its containers run on for the next one",
        )
    return SupervisorError(
        f"the supervisor of stack {stack.name} (process {pid}) does not answer",
        hint=f"it may be overloaded: try again. kill -9 {pid} ends it, and its containers run on for the next one",
    )


def _unreachable(stack: StackLayout, error: OSError) -> SupervisorError:
    if isinstance(error, TimeoutError):  # others wait to be let in already
        return SupervisorError(
            f"the supervisor of stack {stack.name} does not answer",
            hint="it may be stopped or overloaded; its containers go on if you end it with kill -9",
        )
    if isinstance(error, (BrokenPipeError, ConnectionResetError)):
        return _EndedError(stack)
    return SupervisorError(f"cannot reach the supervisor of stack {stack.name}: {error.strerror or error}")
