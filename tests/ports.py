"""Ports of this machine for tests."""

import random
import socket

_FIRST, _LAST = 20_000, 32_000  # below those that the kernel gives to clients: nobody gets one by chance


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on, and that no outgoing connection takes meanwhile."""
    while True:
        port = random.randrange(_FIRST, _LAST)  # noqa: S311 - nothing secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
