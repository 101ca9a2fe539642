"""A supervisor that is killed at one chosen step of its work.

Steps are counted by Python's audit events: every file opened, made, renamed or removed, every socket, every descriptor
of a process. `python mortal.py STEP --run DIR --data DIR STACK` kills itself (SIGKILL) at step STEP after the first
request to make something. A step that is never reached kills nothing.
"""

import os
import signal
import sys
from collections.abc import Callable

from engine.protocol import Hello, Request
from engine.supervisor import process, supervisor

_COUNTED = ("open", "os.", "socket.", "shutil.", "fcntl.", "ctypes.")


def arm(step: int) -> None:
    """Makes this process mortal."""
    steps_left: list[int] = []

    def on_event(event: str, _arguments: object) -> None:
        if steps_left and event.startswith(_COUNTED):
            steps_left[0] -= 1
            if steps_left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    handle: Callable[..., None] = supervisor.Supervisor._handle

    def armed_handle(self: supervisor.Supervisor, connection: object, request: Request, answer: object) -> None:
        if not isinstance(request, Hello) and not steps_left:
            steps_left.append(step)
        handle(self, connection, request, answer)

    supervisor.Supervisor._handle = armed_handle  # type: ignore[method-assign,assignment]
    sys.addaudithook(on_event)


if __name__ == "__main__":
    arm(int(sys.argv[1]))
    raise SystemExit(process.main(sys.argv[2:]))
