"""Takes over terminals that their users have left: the programs on them go on, and nobody reads what they write."""

import os

from engine.errors import RequestError
from engine.supervisor.loop import Loop

_CHUNK_BYTES = 1 << 16
_PAUSE_SECONDS = 0.01  # between two reads: a program that floods a terminal that nobody sees costs next to nothing


def take_left(loop: Loop, fds: list[int]) -> None:
    """Reads from a terminal's master, which it takes out of the list, until nobody has the other end open."""
    if len(fds) != 1 or not os.isatty(fds[0]):
        raise RequestError("a terminal that was left comes with its master, and nothing else")
    master = fds.pop()
    os.set_blocking(master, False)

    def listen() -> None:
        loop.add_reader(master, read)

    def read() -> None:
        loop.remove_reader(master)
        try:
            os.read(master, _CHUNK_BYTES)
        except BlockingIOError:
            pass
        except OSError:  # EIO: the last program on it has closed it
            os.close(master)
            return
        loop.call_later(_PAUSE_SECONDS, listen)

    listen()
