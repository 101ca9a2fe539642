"""The process of a stack's supervisor, from its arguments to its exit status.

The arguments are `--run DIR --data DIR [STACK]`.

Without STACK, the stack's name is read from standard input; its end without a name ends the process. Standard output
gets one line, Ready or Unready (engine.spawn); whatever else there is to say goes to the stack's supervisor.log.
"""

import contextlib
import os
import resource
import sys
from functools import partial
from pathlib import Path

import msgspec

from engine.errors import EngineError, SupervisorError
from engine.images.places import layer_tree
from engine.layout import Layout, StackLayout
from engine.locks import Hold, lock_file
from engine.spawn import Ready, Unready
from engine.supervisor.supervisor import Supervisor
from engine.unixsockets import connect
from net.errors import NetError

_PREDECESSOR_SECONDS = 15


def main(arguments: list[str]) -> int:
    """Becomes the supervisor of one stack until it is shut down; gives the exit status."""
    try:
        layout, name = _parse(arguments)
    except ValueError as error:
        sys.stderr.write(f"engine.supervisor: {error}\n")
        return 2
    os.closerange(3, 1 << 20)
    os.chdir("/")
    os.umask(0o022)
    if name is None:
        name = _read_name()
        if not name:
            return 0
    stack = layout.stack(name)
    lock = None
    try:
        lock = _take_lock(stack)
        if lock is None:
            _say(Ready(pid=0))
            return 0
        _log_errors(stack.supervisor_log)
        _raise_descriptor_limit()
        _survive_want_of_memory()
        hold = Hold(stack.supervisor_lock, lock)
        supervisor = Supervisor(stack, partial(layer_tree, layout.images), holds_stack=hold.lasts)
    except (EngineError, NetError) as error:
        _leave(stack, lock)
        _say(Unready(message=error.message, hint=error.hint))
        return 1
    except OSError as error:
        _leave(stack, lock)
        _say(Unready(message=f"the supervisor of stack {name} cannot start: {error}"))
        return 1
    _say(Ready(pid=os.getpid()))
    _let_go_of_starter()
    supervisor.run()
    return 0


def _leave(stack: StackLayout, lock: int | None) -> None:
    """Takes our own files along where there is nothing of a stack yet, so that the command can take its own."""
    if lock is None:  # then they are another supervisor's
        return
    ours = {stack.supervisor_lock.name, stack.supervisor_log.name}
    locks = {stack.command_lock.name, stack.spawn_lock.name}
    with contextlib.suppress(OSError):
        if {path.name for path in stack.directory.iterdir()} <= ours | locks:
            for name in ours:
                (stack.directory / name).unlink(missing_ok=True)


def _parse(arguments: list[str]) -> tuple[Layout, str | None]:
    match arguments:
        case ["--run", run, "--data", data]:
            return Layout(run=Path(run), data=Path(data)), None
        case ["--run", run, "--data", data, name]:
            return Layout(run=Path(run), data=Path(data)), name
    raise ValueError("expected --run DIR --data DIR [STACK]")


def _read_name() -> str:
    text = b""
    while not text.endswith(b"\n"):
        chunk = os.read(0, 4096)
        if not chunk:
            return ""
        text += chunk
    return text.decode().strip()


def _say(verdict: Ready | Unready) -> None:
    os.write(1, msgspec.json.encode(verdict) + b"\n")


def _take_lock(stack: StackLayout) -> int | None:
    """The descriptor that holds the stack's supervisor lock; None when another supervisor listens.

    One that holds the lock without listening is on its way out (or in, or about to miss its socket): it is waited for.
    """
    fd = lock_file(stack.supervisor_lock, blocking=False)
    for _ in range(_PREDECESSOR_SECONDS):
        if fd is not None:
            return fd
        try:
            connect(stack.socket, timeout_seconds=_PREDECESSOR_SECONDS).close()
        except OSError:
            fd = _lock_within(stack.supervisor_lock, 1.0)
        else:
            return None
    if fd is None:
        raise SupervisorError(
            f"another supervisor holds {stack.supervisor_lock} but does not listen",
            hint="end it with kill -9; its containers go on",
        )
    return fd


def _lock_within(path: Path, seconds: float) -> int | None:
    """Waits for a lock that its holder is about to release."""
    import signal  # noqa: PLC0415 - rarely needed

    def give_up(_number: int, _frame: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return lock_file(path, blocking=True)
    except TimeoutError:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _raise_descriptor_limit() -> None:
    """A stack of 1,000 containers needs some 8,000 descriptors; containers get limits of their own."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _survive_want_of_memory() -> None:
    """Lets the kernel end a container's process, which may be restarted, before the one that would restart it."""
    with contextlib.suppress(OSError):  # it takes CAP_SYS_RESOURCE
        Path("/proc/self/oom_score_adj").write_text("-900")


def _log_errors(path: Path) -> None:
    """From here on, what is reported goes to the stack's log."""
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.dup2(log, 2)
    os.close(log)


def _let_go_of_starter() -> None:
    """Standard input becomes nothing, output the log: the pipes to whoever started us end."""
    null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
