"""Starts a stack's supervisor: a process of its own that outlives the command that started it."""

import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from engine.errors import SupervisorError
from engine.layout import Layout, StackLayout
from engine.locks import lock_file

READY_SECONDS = 30.0


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The one line that a supervisor writes to its standard output: it listens now (`pid`: who does)."""

    pid: int


class Unready(msgspec.Struct, frozen=True, tag="unready"):
    """Written instead when the supervisor cannot start."""

    message: str
    hint: str = ""


_verdict_decoder: msgspec.json.Decoder[Ready | Unready] = msgspec.json.Decoder(Ready | Unready)


class Warm:
    """A supervisor process that is being loaded and does not know its stack yet. Ends by itself when not adopted."""

    def __init__(self, process: "_Process", layout: Layout) -> None:
        self._process = process
        self._layout = layout

    def adopt(self, stack: StackLayout) -> None:
        """Makes it the supervisor of a stack and waits until it listens; harmless when another listens already."""
        if stack.roots != self._layout:
            raise ValueError(f"a supervisor for {self._layout} cannot take {stack}")
        held = lock_file(stack.spawn_lock, blocking=True)
        try:
            self._process.tell(stack.name)
            self._process.wait_until_ready(stack)
        finally:
            if held is not None:
                os.close(held)

    def discard(self) -> None:
        """Lets it end."""
        self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.discard()


def warm_supervisor(layout: Layout) -> Warm:
    """Starts loading a supervisor; returns at once."""
    return Warm(_spawn(layout), layout)


def spawn_supervisor(stack: StackLayout) -> None:
    """Starts the stack's supervisor, waits until it listens. SupervisorError says why it does not.

    Only one of several callers starts one; the others find it listening.
    """
    with warm_supervisor(stack.roots) as warm:
        warm.adopt(stack)


class _Process(NamedTuple):
    """A spawned supervisor: our ends of its standard input and output. Both are closed by `close`, at any time."""

    pid: int
    stdin: int
    stdout: int

    def tell(self, stack_name: str) -> None:
        try:
            os.write(self.stdin, stack_name.encode() + b"\n")
        except BrokenPipeError:
            return  # what it printed before it died is read by wait_until_ready

    def wait_until_ready(self, stack: StackLayout) -> None:
        printed = _read_to_end(self.stdout, READY_SECONDS)
        if printed is None:
            raise SupervisorError(
                f"the supervisor of stack {stack.name} does not answer (pid {self.pid})",
                hint=f"see {stack.supervisor_log}",
            )
        try:
            verdict = _verdict_decoder.decode(printed.rsplit(b"\n", 2)[-2])
        except (msgspec.MsgspecError, UnicodeError, IndexError):
            raise SupervisorError(
                f"the supervisor of stack {stack.name} ended while it started",
                hint=printed.decode(errors="replace").strip() or f"see {stack.supervisor_log}",
            ) from None
        if isinstance(verdict, Unready):
            raise SupervisorError(verdict.message, hint=verdict.hint)

    def close(self) -> None:
        os.close(self.stdin)
        os.close(self.stdout)


def _spawn(layout: Layout) -> _Process:
    """Both pipes' far ends become its standard streams; standard error joins its output until it opens its log."""
    stdin, our_stdin = os.pipe()
    our_stdout, stdout = os.pipe()
    program = str(Path(__file__).parent.resolve() / "supervisor" / "__main__.py")
    argv = [sys.executable, "-P", program, "--run", str(layout.run), "--data", str(layout.data)]
    try:
        pid = os.posix_spawn(
            sys.executable,
            argv,
            {**os.environ, "PYTHONPATH": _import_path()},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, stdin, 0),
                (os.POSIX_SPAWN_DUP2, stdout, 1),
                (os.POSIX_SPAWN_DUP2, stdout, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, signal.SIGPIPE],
        )
    except OSError as error:
        os.close(our_stdin)
        os.close(our_stdout)
        raise SupervisorError(f"cannot start a supervisor with {sys.executable}: {error.strerror}") from error
    finally:
        os.close(stdin)
        os.close(stdout)
    return _Process(pid, our_stdin, our_stdout)


def _import_path() -> str:
    """PYTHONPATH with the place that this package came from first, so that both ends are of one version."""
    place = str(Path(__file__).resolve().parent.parent)
    return os.pathsep.join((place, *filter(None, (os.environ.get("PYTHONPATH"),))))


def _read_to_end(fd: int, seconds: float) -> bytes | None:
    """What a pipe brings until its end; None when that does not come within `seconds` of silence."""
    import select  # noqa: PLC0415 - only here

    poll = select.poll()
    poll.register(fd, select.POLLIN)
    printed = b""
    while poll.poll(seconds * 1000):
        chunk = os.read(fd, 1 << 16)
        if not chunk:
            return printed
        printed += chunk
    return None
