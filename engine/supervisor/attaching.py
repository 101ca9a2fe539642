"""Attaches clients to a container: what it prints goes to their pipes, too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import RequestError
from engine.supervisor.audience import Audience
from engine.supervisor.containers import Container
from engine.supervisor.site import Site
from engine.terminals import WindowSize


@contextmanager
def taken(fds: list[int]) -> Iterator[list[int]]:
    """Descriptors for a block, which takes out of the list what it keeps; the rest is closed."""
    try:
        yield fds
    finally:
        for fd in fds:
            os.close(fd)


def attach(site: Site, container: Container, fds: list[int], window: WindowSize) -> None:
    """Passes on what a container prints to two pipes; a third descriptor is its standard input at its next start.

    Who attaches to a container before its start misses nothing; then its terminal gets the size `window`. It takes the
    descriptors. Raises RequestError.
    """
    if len(fds) not in (2, 3) or (len(fds) == 3 and container.running):
        raise RequestError(f"nobody can be attached to {container.spec.name} with {len(fds)} descriptors")
    if container.audience is None:
        container.audience = Audience(site.loop)
    container.audience.add(fds.pop(0), fds.pop(0))
    if container.output is not None:
        container.output.attach(container.audience)
    if fds:
        if container.stdin >= 0:
            os.close(container.stdin)
        container.stdin = fds.pop()
    if window.rows and window.columns:
        container.window = window
