"""The stack's network as its supervisor holds it: the router, made when first needed, and the resolver of names."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.directories import make_private
from engine.layout import StackLayout
from engine.namespaces import ensure_pins, inside, pin_namespace, pin_network_namespace, unpin
from engine.spec import ContainerSpec
from engine.supervisor.identity import HOST_GATEWAY, RESOLVER_ADDRESS, search_domains, upstreams
from engine.supervisor.loop import Loop
from net.names import Zone
from net.resolver import Resolver
from net.router import Router
from net.routerless import remove_host_side, switch_loopback_on
from net.spec import Attachment, Endpoint, NetworkSpec, NetworkState, PublishedPort

_RESOLV_CONF = Path("/etc/resolv.conf")
_SWEEP_SECONDS = 0.5  # for the end of the stack, which takes bridges along, to come first


class StackNetwork:
    """Everything that containers of one stack share in the kernel's network. Raises NetError and EngineError.

    `is_anew` says that the router which was adopted is a new one: running containers are not linked to it.
    """

    def __init__(self, stack: StackLayout, loop: Loop, zone_of: Callable[[str], Zone]) -> None:
        self._stack = stack
        self._loop = loop
        self._zone_of = zone_of
        self._router: Router | None = None
        self._resolver: Resolver | None = None
        self._namespace_fd = -1
        self.is_anew = False

    def adopt(self) -> tuple[str, ...]:
        """Opens the router if one was made before: its networks and published ports are as they were.

        Gives the problems with ports that somebody else took while nobody held them.
        """
        self.is_anew = not os.path.ismount(self._stack.router_pin)
        if self.is_anew and not self._stack.networks.exists():
            return ()
        return tuple(problem.message for problem in self._open().reconcile())

    def mend(self) -> tuple[str, ...]:
        """Puts back what somebody removed of it under our eyes; gives what that was, with the problems that remain."""
        if self._router is None:
            return ()
        told = [f"the records of the network {name} were gone: written again" for name in self._router.keep_records()]
        if not os.path.ismount(self._stack.router_pin):
            ensure_pins(self._stack.pins)
            unpin(self._stack.router_pin)
            pin_namespace(self._namespace_fd, self._stack.router_pin)
            told.append("the router's namespace was let go of: pinned again")
        missing = self._router.missing_links()
        if missing:
            told.append(f"links of the network were gone ({', '.join(missing)}): made again")
            self._router.close()
            self._router = None
            os.close(self._namespace_fd)
            told += self.adopt()
        return tuple(told)

    def forget_others(self, known: Collection[str]) -> None:
        """Gives back what containers hold that are not among these ids: somebody removed their records."""
        for container_id in self._router.clients if self._router is not None else ():
            if container_id not in known:
                self.disconnect(container_id)
                self.release(container_id)

    @property
    def networks(self) -> Mapping[str, NetworkState]:
        """The networks that exist, by name."""
        return self._router.networks if self._router is not None else {}

    def ensure_network(self, spec: NetworkSpec) -> NetworkState:
        """Makes a network if missing."""
        return self._open().ensure_network(spec)

    def remove_network(self, name: str) -> None:
        """Removes a network that nobody is attached to; nothing happens when there is none."""
        if self._router is not None:
            self._router.remove_network(name)
            self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    def lease(self, container_id: str, endpoints: Sequence[Endpoint]) -> tuple[Attachment, ...]:
        """Leases a container's addresses, or finds those that it has."""
        return self._open().lease(container_id, endpoints) if endpoints else ()

    def release(self, container_id: str) -> None:
        """Gives a container's addresses back."""
        if self._router is not None:
            self._router.release(container_id)

    def connect(self, spec: ContainerSpec, attachments: Sequence[Attachment], pid: int) -> None:
        """Joins the new network namespace of process `pid` to the container's networks and answers its DNS.

        A container that shares another's namespace, or the host's, is connected by being there.
        """
        if spec.namespaces.network not in ("", "none"):
            return
        namespace_fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if attachments:
                self._open().attach(spec.id, attachments, namespace_fd)
                self._listen(spec, namespace_fd)
            else:
                with inside(namespace_fd):
                    switch_loopback_on()
        finally:
            os.close(namespace_fd)

    def answer_names(self, spec: ContainerSpec, attachments: Sequence[Attachment], pid: int) -> None:
        """Answers the DNS of a container that was found running."""
        if not attachments:
            return
        namespace_fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._listen(spec, namespace_fd)
        finally:
            os.close(namespace_fd)

    def publish(self, spec: ContainerSpec, attachments: Sequence[Attachment]) -> tuple[PublishedPort, ...]:
        """Leads host ports to the container; gives them with the ports that were chosen."""
        if not spec.ports:
            return ()
        return self._open().publish(spec.id, spec.name, attachments, spec.ports, group=spec.port_group)

    def withdraw(self, container_id: str) -> None:
        """Leads new connections to the container's ports elsewhere, if others have the ports; it keeps its names."""
        if self._router is not None:
            self._router.withdraw(container_id)

    def disconnect(self, container_id: str) -> None:
        """Lets go of a container that ended: its ports and its DNS. Its links go with its namespace."""
        if self._resolver is not None:
            self._resolver.ignore(container_id)
        if self._router is not None:
            self._router.withdraw(container_id)

    def host_gateway(self, spec: ContainerSpec) -> str:
        """Where a container reaches the host; empty when it does not ask."""
        if not any(address == HOST_GATEWAY for _name, address in spec.resolver.hosts):
            return ""
        return self._open().host_address

    def search_domains(self) -> tuple[str, ...]:
        """The host's search domains."""
        return search_domains(_read_resolv_conf())

    @contextmanager
    def removing(self) -> Iterator[None]:
        """Removes every network, the router and its namespace; a block for other things, as the kernel takes its time.

        No container is left.
        """
        if self._router is None:
            self.adopt()
        if self._router is None:  # none was made, or its namespace and records were removed by somebody else
            remove_host_side(token=self._stack.token, label=self._stack.label)
            yield
            return
        for name in tuple(self._router.networks):
            self._router.remove_network(name)
        try:
            with self._router.removing():
                yield
        finally:
            self._router = None
            os.close(self._namespace_fd)
            unpin(self._stack.router_pin)

    def _open(self) -> Router:
        if self._router is None:
            namespace_fd = self._open_namespace()
            try:
                make_private(self._stack.networks)
                self._router = Router.open(
                    token=self._stack.token,
                    label=self._stack.label,
                    networks=self._stack.networks,
                    namespace_fd=namespace_fd,
                    enter=inside,
                )
            except BaseException:
                os.close(namespace_fd)
                raise
            self._namespace_fd = namespace_fd
            self._router.guard(self._loop)
        return self._router

    def _open_namespace(self) -> int:
        pin = self._stack.router_pin
        ensure_pins(self._stack.pins)
        if os.path.ismount(pin):
            return os.open(pin, os.O_RDONLY | os.O_CLOEXEC)
        unpin(pin)  # a file that was to be mounted on when an earlier supervisor was killed
        return pin_network_namespace(pin)

    def _sweep(self) -> None:
        if self._router is not None:
            self._router.sweep()

    def _listen(self, spec: ContainerSpec, namespace_fd: int) -> None:
        servers = tuple(server for server in spec.resolver.servers if server != RESOLVER_ADDRESS)
        self._names().listen(spec.id, namespace_fd, servers)

    def _names(self) -> Resolver:
        if self._resolver is None:
            self._resolver = Resolver(
                zone_of=self._zone_of,
                upstreams=lambda: upstreams(_read_resolv_conf()),
                watcher=self._loop,
                enter=inside,
            )
        return self._resolver


def _read_resolv_conf() -> str:
    try:
        return _RESOLV_CONF.read_text(errors="replace")
    except OSError:
        return ""
