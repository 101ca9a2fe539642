"""Looks at what addresses the host uses already."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from net.addresses import Block, Route, parse_nameservers, parse_routes


class Survey:
    """The host's routes and nameservers, and the lock on choosing among what they leave free."""

    def __init__(self, proc_net_route: Path, resolv_conf: Path, lock_directory: Path) -> None:
        self._proc_net_route = proc_net_route
        self._resolv_conf = resolv_conf
        self._lock_directory = lock_directory

    def routes(self) -> tuple[Route, ...]:
        """Read the host's routes, which those of all stacks are among."""
        return parse_routes(self._proc_net_route.read_text())

    def occupied(self) -> list[Block]:
        """List what no network may overlap: the routes' destinations, then the nameservers."""
        try:
            nameservers = parse_nameservers(self._resolv_conf.read_text())
        except OSError:
            nameservers = ()
        return [route.block for route in self.routes()] + [Block(address, 32) for address in nameservers]

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other stacks from choosing addresses meanwhile: flock(2) on the directory itself."""
        directory = os.open(self._lock_directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            os.close(directory)
