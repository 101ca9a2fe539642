"""Runs the process that unpacks layers in jailed children: `python -P engine/images/warden.py CACHE`.

Its standard input is a socket, which gives it one request at a time: an empty message with the descriptors of a blob,
of the mount to unpack into, and of a pipe for the verdict. It ends when the socket's other end closes, and its children
with it. Everything is loaded before the first request: nothing that a layer brings is ever imported.
"""

import gc

gc.disable()  # nothing that imports make is garbage

from engine.lean import load_msgspec  # noqa: E402 - after that

load_msgspec()

import os  # noqa: E402 - likewise
import signal  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import NoReturn  # noqa: E402

import msgspec  # noqa: E402
import zstandard  # noqa: E402, F401 -- decompression loads it when it is needed, which is too late

from engine import handover, syscalls  # noqa: E402
from engine.errors import EngineError, ImageError  # noqa: E402
from engine.images import cell  # noqa: E402
from engine.images.jail import Refusal, Unpacked  # noqa: E402
from engine.images.unpacking import unpack  # noqa: E402
from engine.syscalls import Clone  # noqa: E402

_encoder = msgspec.json.Encoder()


def main() -> None:
    """Serves until there is nobody left to serve."""
    channel = socket.socket(fileno=os.dup(0))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)  # it lives as long as the one that it serves
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children leave no zombies
    trouble, program = "", b""
    try:
        program = cell.call_filter(Path(sys.argv[1]))
        cell.leave_host()
    except (EngineError, OSError) as error:
        trouble = f"layers cannot be unpacked safely here: {error}"
    gc.freeze()
    while True:
        said, fds = handover.receive(channel)
        if not said:
            return
        blob, home, verdict = fds
        if trouble:
            os.write(verdict, _encoder.encode(Refusal(trouble)))
        else:
            pid, pidfd = syscalls.clone3(Clone(0))
            if pid == 0:
                _become_unpacker(blob, home, verdict, program)
            fds.append(pidfd)
        for fd in fds:
            os.close(fd)


def _become_unpacker(blob: int, home: int, verdict: int, program: bytes) -> NoReturn:
    try:
        cell.shut((blob, home, verdict), program)
        told: Unpacked | Refusal = Unpacked(*unpack(blob, home))
    except ImageError as error:
        told = Refusal(error.message, error.hint)
    except MemoryError:
        told = Refusal("it takes more memory than a layer may")
    except (EngineError, OSError) as error:
        told = Refusal(f"it cannot be unpacked: {error}")
    except BaseException as error:  # noqa: BLE001 -- there is nobody above to see it
        told = Refusal(f"unpacking it failed: {type(error).__name__}: {error}")
    try:
        os.write(verdict, _encoder.encode(told))
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
