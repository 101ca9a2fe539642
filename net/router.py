"""A stack's router: the facade of this package.

A router is a network namespace with one bridge a network, and one veth pair to the host. Everything that it makes
lives in the kernel or on disk, so a router that is opened again after a crash carries on where the last was cut off.
"""

import errno
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Self

from msgspec import structs

from net import links
from net.addresses import format_address
from net.bridges import Bridges
from net.choosing import BRIDGE_PREFIX, choose_state
from net.conntrack import forget_datagrams
from net.errors import FirewallError, NetError, NetlinkError
from net.ipv6 import speak_on_new_links
from net.namespaces import Enter
from net.networks import Network, NetworkRecords
from net.publishing import Publications, published_in
from net.rtnetlink import Rtnetlink
from net.rules import Rules, RunNft
from net.spec import Attachment, Endpoint, NetworkSpec, NetworkState, PublishedPort
from net.survey import Survey
from net.sysctls import ensure_forwarding, write_sysctl
from net.uplink import ROUTER_LINK, Uplink, begin_to_leave, ensure_uplink, host_link_name
from net.vigil import Vigil
from net.watching import Watcher
from net.wiring import (
    Wire,
    far_requests,
    near_requests,
    route_requests,
    sysctls_of,
    way_out,
    wires_of,
)


class Router:
    """The networks of one stack. Not for threads: entering a namespace moves the calling thread."""

    def __init__(
        self,
        *,
        records: NetworkRecords,
        publications: Publications,
        host: Rtnetlink,
        router: Rtnetlink,
        uplink: Uplink,
        rules: Rules,
        enter: Enter,
        namespace_fd: int,
        survey: Survey,
    ) -> None:
        self._records = records
        self._publications = publications
        self._rules = rules
        self._host = host
        self._router = router
        self._uplink = uplink
        self._bridges = Bridges(host=host, router=router, uplink=uplink, enter=enter, namespace_fd=namespace_fd)
        self._enter = enter
        self._namespace_fd = namespace_fd
        self._survey = survey
        self._networks = records.read()
        self._doomed_bridges: list[str] = []
        self._vigil: Vigil | None = None

    @classmethod
    def open(
        cls,
        *,
        token: str,
        label: str,
        networks: Path,
        namespace_fd: int,
        enter: Enter,
        proc_net_route: Path = Path("/proc/net/route"),
        resolv_conf: Path = Path("/etc/resolv.conf"),
        run_nft: RunNft | None = None,
    ) -> Self:
        """Make a router in an empty namespace, or adopt one as it is. Called in the host's namespace.

        `token` makes the uplink's name unique on the host, `label` names the firewall table. `networks` is a directory
        of the stack's run directory. `run_nft` stands in for a missing libnftables.

        The rules that exist stay as they are until a network changes or `reconcile` is called.
        """
        records = NetworkRecords(networks)
        survey = Survey(proc_net_route, resolv_conf)
        with ExitStack() as undo:
            with enter(namespace_fd):
                _prepare_namespace()
                router = undo.enter_context(Rtnetlink())
                in_router = {name for _, name in socket.if_nameindex()}
            ensure_forwarding()
            host = undo.enter_context(Rtnetlink())
            with survey.exclusive():
                uplink = ensure_uplink(
                    host_link_name(token),
                    host=host,
                    router=router,
                    in_router=ROUTER_LINK in in_router,
                    occupied=survey.occupied(),
                )
            rules = Rules(
                table=f"windlass-{label}",
                uplink=uplink,
                namespace_fd=namespace_fd,
                enter=enter,
                run_nft=run_nft,
                wide=ROUTER_LINK in in_router,
            )
            undo.callback(rules.close)
            opened = cls(
                records=records,
                publications=Publications(*published_in(networks)),
                host=host,
                router=router,
                uplink=uplink,
                rules=rules,
                enter=enter,
                namespace_fd=namespace_fd,
                survey=survey,
            )
            used = {network.state.bridge for network in opened._networks.values()}
            opened._doomed_bridges = sorted(name for name in in_router - used if name.startswith(BRIDGE_PREFIX))
            opened.sweep()
            for network in opened._networks.values():
                opened._bridges.make(network, adopt=True)
            undo.pop_all()
        return opened

    @property
    def networks(self) -> Mapping[str, NetworkState]:
        """Every network that exists, by name."""
        return {name: network.state for name, network in self._networks.items()}

    @property
    def host_address(self) -> str:
        """The address that containers reach the host by (what Compose calls host-gateway)."""
        return format_address(self._uplink.host_address)

    def ensure_network(self, spec: NetworkSpec) -> NetworkState:
        """Make a network, or find it as it was made; one that was made with other addresses is a NetError."""
        existing = self._networks.get(spec.name)
        if existing is not None:
            if structs.replace(existing.state.spec, labels={}) != structs.replace(spec, labels={}):
                raise NetError(
                    f"the network {spec.name} exists with other settings",
                    hint="take the stack down first: a network cannot change while containers are on it",
                )
            return existing.state
        self.sweep()
        with self._survey.exclusive():
            network = self._records.write(choose_state(spec, self._networks, self._survey, self._uplink.name))
            try:
                self._bridges.make(network, adopt=False)
                self._networks[spec.name] = network
                self._apply_rules()
            except NetError:
                self._networks.pop(spec.name, None)
                self._bridges.remove(network)
                self._records.remove(spec.name)
                raise
        return network.state

    def remove_network(self, name: str) -> None:
        """Remove a network that no container has an address on; one that does not exist is fine."""
        network = self._networks.get(name)
        if network is None:
            return
        if network.leases:
            raise NetError(
                f"the network {name} cannot be removed: containers are attached ({len(network.leases)})",
                hint="remove them first",
            )
        del self._networks[name]
        if self._networks:
            self._apply_rules()
        self._bridges.remove_routes(network)
        self._records.remove(name)
        self._doomed_bridges.append(network.state.bridge)

    def sweep(self) -> None:
        """Remove the bridges of removed networks, the last one's rules: 20 ms, to be spared if `remove` follows."""
        doomed, self._doomed_bridges = self._doomed_bridges, []
        if doomed and not self._networks:
            self._apply_rules()
        self._router.send([links.delete_link_named(name) for name in doomed])

    @property
    def clients(self) -> frozenset[str]:
        """The containers that have addresses or publish ports."""
        holders = (network.leases.holders for network in self._networks.values())
        return self._publications.containers.union(*holders)

    def keep_records(self) -> tuple[str, ...]:
        """Write the records again that somebody removed; gives the names of their networks."""
        return tuple(name for name, network in self._networks.items() if self._records.keep(network))

    def missing_links(self) -> tuple[str, ...]:
        """The links that should be in the router and are not: another router object makes them again."""
        with self._enter(self._namespace_fd):
            there = {name for _, name in socket.if_nameindex()}
        bridges = (network.state.bridge for network in self._networks.values())
        return tuple(name for name in (ROUTER_LINK, *bridges) if name not in there)

    def lease(self, container_id: str, endpoints: Sequence[Endpoint]) -> tuple[Attachment, ...]:
        """Lease an address on every network wanted; asked again, a container gets the same ones.

        Attachments are in the order of `endpoints`, as eth0, eth1... On failure nothing more is leased than before.
        """
        attachments: list[Attachment] = []
        self.keep_records()
        free = (name for number in count() if (name := f"eth{number}") not in {each.interface for each in endpoints})
        try:
            for endpoint in endpoints:
                interface = endpoint.interface or next(free)
                network = self._network(endpoint.network)
                attachments.append(network.lease(container_id, endpoint, interface))
        except NetError:
            for attachment in attachments:
                self._network(attachment.network).release(container_id)
            raise
        return tuple(attachments)

    def release(self, container_id: str) -> None:
        """Give a container's addresses back; its links went with its namespace."""
        for network in self._networks.values():
            network.release(container_id)

    def attach(self, container_id: str, attachments: Sequence[Attachment], netns_fd: int) -> None:
        """Link a container's new namespace to its networks, with loopback up, addresses and a default route.

        See `way_out` for the default route.
        Links that a former process of the container left in the router are replaced.
        """
        wires = self._wires(container_id, attachments)
        ports = [request for wire in wires for request in near_requests(wire, netns_fd)]
        inside = [links.link_up(links.LOOPBACK_INDEX, "the loopback link")]
        inside += [request for wire in wires for request in far_requests(wire)]
        wide = any(wire.attachment.address6 for wire in wires)
        with self._enter(netns_fd):
            if wide:
                speak_on_new_links()
            else:
                # Without this every link would announce itself by IPv6 multicast.
                write_sysctl("net/ipv6/conf/default/disable_ipv6", "1", optional=True)
            container = Rtnetlink()
        with container:
            try:
                self._router.send(ports)
            except NetlinkError as error:
                if error.errno not in {errno.EEXIST, errno.EINVAL}:
                    raise
                if error.errno == errno.EINVAL:  # so the kernel says that there is no such bridge
                    for wire in wires:
                        self._bridges.mend(wire.network)
                self._router.send([links.delete_link(links.router_index(wire.address), wire.name) for wire in wires])
                self._router.send(ports)
            container.send(inside)
            container.send(route_requests(wires))
        if any(wire.attachment.sysctls for wire in wires):
            with self._enter(netns_fd):
                for path, value in sysctls_of(wires):
                    write_sysctl(path, value)
        self._router.settle([name for wire in wires for name in (wire.name, wire.network.state.bridge)])

    def publish(
        self,
        container_id: str,
        name: str,
        attachments: Sequence[Attachment],
        ports: Sequence[PublishedPort],
        *,
        group: str = "",
    ) -> tuple[PublishedPort, ...]:
        """Lead host ports to a container; returns them with their host ports chosen where none was asked for.

        They lead to the network that the default route goes through; without one nothing is published. `name` tells
        others who has the ports. All of them are published, or PortError says which one is taken and none is. Asked
        again, the same ports stay. Containers of one `group` share ports: new connections go to each in turn.
        """
        out = way_out(self._wires(container_id, attachments))
        address = out.attachment.address if out is not None and out.attachment.ipv4 else ""
        address6 = out.attachment.address6 if out is not None else ""
        if out is not None and out.network.state.spec.binding:
            binding = out.network.state.spec.binding
            ports = [structs.replace(port, host_ip=port.host_ip or binding) for port in ports]
        standing = self._publications.find(container_id)
        if standing is not None:
            if standing.satisfies(address, address6, ports):
                return standing.ports
            self.withdraw(container_id)
        if out is None or not ports:
            return ()
        publication = self._publications.add(container_id, name, (address, address6), tuple(ports), group=group)
        mine = publication.rules()
        after = self._publications.beside(mine)
        try:
            if not self._rules.lead([one for one in after if one not in mine], after):
                self._apply_rules()
        except FirewallError:
            self._publications.drop(container_id)
            raise
        forget_datagrams(publication.datagram_ports())
        return publication.ports

    def withdraw(self, container_id: str) -> None:
        """Stop publishing a container's ports; one that publishes nothing is fine."""
        standing = self._publications.find(container_id)
        if standing is not None:
            before = self._publications.beside(standing.rules())
            self._publications.drop(container_id)
            if not self._rules.lead(before, self._publications.beside(standing.rules())):
                self._apply_rules()
            forget_datagrams(standing.datagram_ports())

    def reconcile(self) -> tuple[NetError, ...]:
        """Make again whatever is missing: links, routes, rules, and the sockets that hold published ports.

        Returns the problems: records that were damaged, and ports that somebody else took while nobody held them; the
        rules of those stand all the same.
        """
        for network in self._networks.values():
            self._bridges.mend(network)
        problems = (*self._records.problems, *self._publications.hold_again())
        self._apply_rules()
        return problems

    def guard(self, watcher: Watcher) -> None:
        """From now on, put the host's rules back when somebody removes them, as reloads of firewalls do."""
        self._vigil = self._vigil or Vigil(self._rules.table, watcher, self._apply_rules)

    def close(self) -> None:
        """Let go of descriptors. The networks stay."""
        self._end_vigil()
        self._publications.close()
        self._rules.close()
        self._host.close()
        self._router.close()

    def remove(self) -> None:
        """Remove the host's side, then close. The rest goes with the router's namespace."""
        with self.removing():
            pass

    @contextmanager
    def removing(self) -> Iterator[None]:
        """`remove`, with a block to do other things in while the kernel lets go of the uplink."""
        self._end_vigil()
        wait = begin_to_leave(self._uplink, host=self._host, namespace_fd=self._namespace_fd)
        try:
            self._rules.remove()
            yield
        finally:
            try:
                wait()
            finally:
                self.close()

    def _wires(self, container_id: str, attachments: Sequence[Attachment]) -> list[Wire]:
        return wires_of(container_id, [(one, self._network(one.network)) for one in attachments])

    def _end_vigil(self) -> None:
        if self._vigil is not None:
            self._vigil.close()
            self._vigil = None

    def _apply_rules(self) -> None:
        self._rules.apply(self._networks.values(), self._publications.rules())

    def _network(self, name: str) -> Network:
        try:
            return self._networks[name]
        except KeyError:
            raise NetError(f"there is no network {name} in this stack") from None


def _prepare_namespace() -> None:
    """Set the router's settings before its first link is made, so that all links have them."""
    ensure_forwarding()
    for which in ("all", "default"):
        write_sysctl(f"net/ipv4/conf/{which}/rp_filter", "1")
        write_sysctl(f"net/ipv4/conf/{which}/send_redirects", "0")
    # Not "all": bridges that speak IPv6 would lose their addresses when a router is opened again.
    write_sysctl("net/ipv6/conf/default/disable_ipv6", "1", optional=True)
