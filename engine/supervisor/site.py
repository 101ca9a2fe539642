"""What the containers of one stack share inside their supervisor, with the one way to change a container's record."""

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

from engine.cgroups import Cgroups
from engine.errors import SyscallError
from engine.eventlog import EventWriter
from engine.layout import StackLayout
from engine.protocol import Action, Event
from engine.records import write_state
from engine.supervisor.arrivals import Arrivals
from engine.supervisor.containers import Container
from engine.supervisor.happenings import event
from engine.supervisor.intake import Intake
from engine.supervisor.loop import Loop
from engine.supervisor.network import StackNetwork
from engine.supervisor.waiting import removed, settle
from engine.supervisor.zones import zone_of
from engine.volumes import VolumeStore
from net.names import Zone


class Site:
    """One stack's places, kernel resources and containers (by id).

    `owners` are the names of the containers whose namespaces others share. `restart`, `follow` and `broadcast` are set
    by whoever makes the site: how a policy starts a container again, what becomes of those who share the namespaces of
    one that was started, and where events go.
    """

    def __init__(
        self,
        stack: StackLayout,
        loop: Loop,
        *,
        layer_directory: Callable[[str], Path],
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.stack = stack
        self.loop = loop
        self.clock_ns = clock_ns
        self.layer_directory = layer_directory
        self.cgroups = Cgroups(stack.label)
        self.volumes = VolumeStore(stack.roots.volumes)
        self.containers: dict[str, Container] = {}
        self.network = StackNetwork(stack, loop, self._zone_of)
        self._zones: dict[object, Zone] = {}
        self.owners: set[str] = set()
        self.restart: Callable[[Container], None] = lambda _container: None
        self.follow: Callable[[Container], None] = lambda _container: None
        self.broadcast: Callable[[Event], None] = lambda _event: None
        try:
            self.intake: Intake | None = Intake.open(stack.directory)
        except OSError as error:
            self.intake = None
            self.report(f"a kill of this supervisor may cost a chunk of output: {error}")
        try:
            self.arrivals: Arrivals | None = Arrivals()
        except SyscallError as error:
            self.arrivals = None
            self.report(f"lines of standard output and error may overtake each other: {error.message}")
        self._events = EventWriter(stack.directory)

    def pin(self, container_id: str) -> Path:
        """Where the exit record of the container's first process is kept."""
        return self.stack.pins / container_id

    def save(self, container: Container) -> None:
        """Writes the container's state. When the disk is full, what lies there is old, but the supervisor goes on."""
        try:
            write_state(self.stack, container.state)
        except OSError as error:
            self.report(f"the state of {container.spec.name} cannot be written: {error}")

    def tell(self, container: Container, action: Action) -> None:
        """Writes down and tells subscribers what happened to a container, and those whose wait it ends."""
        self._zones.clear()
        happened = event(container, action, self.clock_ns())
        with contextlib.suppress(OSError):  # a disk that is full, or a directory that somebody removed
            self._events.write(happened)
        self.broadcast(happened)
        self.settle_waits(container)

    def settle_waits(self, container: Container) -> None:
        """Answers those whose wait on the container is over."""
        if container.launching:
            return
        record = container.record
        waits, container.waits = container.waits, []
        for condition, answer in waits:
            reply = removed(record) if container.gone else settle(condition, record)
            if reply is None:
                container.waits.append((condition, answer))
            else:
                answer(reply)

    def report(self, message: str) -> None:
        """Writes a line to the supervisor's log."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.clock_ns() // 1_000_000_000))
        sys.stderr.write(f"{stamp}Z {message}\n")

    def _zone_of(self, container_id: str) -> Zone:
        """The names that a container finds. Remembered until anything happens to any container."""
        client = self.containers[container_id].record
        networks = tuple(attachment.network for attachment in client.state.attachments)
        key = (networks, client.spec.links, bool(client.spec.resolver.servers))
        zone = self._zones.get(key)
        if zone is None:
            running = [container.record for container in self.containers.values() if container.led_to]
            zone = self._zones[key] = zone_of(client, running, self.network.networks)
        return zone
