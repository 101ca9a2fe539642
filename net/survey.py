"""Looks at what addresses the host uses already."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from net.addresses import Block, Route, parse_nameservers, parse_routes


class Survey:
    """The host's routes and nameservers, and the lock on choosing among what they leave free."""

    def __init__(self, proc_net_route: Path, resolv_conf: Path) -> None:
        self._proc_net_route = proc_net_route
        self._resolv_conf = resolv_conf

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
        """Keep all others on this host from choosing addresses meanwhile. Called in the host's namespace.

        The lock is a flock(2) on the network namespace itself: its inode is the same for every process in it, whatever
        installation it belongs to, and there is no file to leave behind.
        """
        namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(namespace, fcntl.LOCK_EX)
            yield
        finally:
            os.close(namespace)
