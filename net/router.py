"""A stack's router: the facade of this package.

A router is a network namespace with one bridge a network, and one veth pair to the host. Everything that it makes
lives in the kernel or on disk, so a router that is opened again after a crash carries on where the last was cut off.
"""

import errno
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from net import links
from net.addresses import (
    check_wanted_subnet,
    choose_gateway,
    choose_subnet,
    format_address,
    mac_address,
    parse_address,
    parse_subnet,
)
from net.conntrack import forget_datagrams
from net.errors import FirewallError, NetError, NetlinkError
from net.namespaces import Enter
from net.networks import Network, NetworkRecords
from net.publishing import Publications
from net.rtnetlink import Request, Rtnetlink
from net.rules import Rules, RunNft, remove_host_rules
from net.spec import Attachment, Endpoint, NetworkSpec, NetworkState, PublishedPort
from net.survey import Survey
from net.sysctls import ensure_forwarding, write_sysctl
from net.uplink import HOST_LINK_PREFIX, ROUTER_LINK, Uplink, begin_to_leave, ensure_uplink, host_link_name
from net.vigil import Vigil
from net.watching import Watcher

BRIDGE_PREFIX = "br"


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
                table=f"windlass-{label}", uplink=uplink, namespace_fd=namespace_fd, enter=enter, run_nft=run_nft
            )
            undo.callback(rules.close)
            opened = cls(
                records=records,
                publications=Publications(networks / ".published", networks.parents[1]),
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
                opened._make_links(network, adopt=True)
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
            made = existing.state.spec
            if (made.subnet, made.gateway, made.internal) != (spec.subnet, spec.gateway, spec.internal):
                raise NetError(
                    f"the network {spec.name} exists with other settings",
                    hint="take the stack down first: a network cannot change while containers are on it",
                )
            return existing.state
        self.sweep()
        with self._survey.exclusive():
            network = self._records.write(self._choose(spec))
            try:
                self._make_links(network, adopt=False)
                self._networks[spec.name] = network
                self._apply_rules()
            except NetError:
                self._networks.pop(spec.name, None)
                self._remove_links(network)
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
        self._remove_route(network)
        self._records.remove(name)
        self._doomed_bridges.append(network.state.bridge)

    def sweep(self) -> None:
        """Remove the bridges of removed networks, the last one's rules: 20 ms, to be spared if `remove` follows."""
        doomed, self._doomed_bridges = self._doomed_bridges, []
        if doomed and not self._networks:
            self._apply_rules()
        self._router.send([links.delete_link_named(name) for name in doomed])

    def lease(self, container_id: str, endpoints: Sequence[Endpoint]) -> tuple[Attachment, ...]:
        """Lease an address on every network wanted; asked again, a container gets the same ones.

        Attachments are in the order of `endpoints`, as eth0, eth1... On failure nothing more is leased than before.
        """
        attachments: list[Attachment] = []
        try:
            for number, endpoint in enumerate(endpoints):
                network = self._network(endpoint.network)
                address = network.leases.take(container_id, endpoint.address)
                attachments.append(
                    Attachment(
                        network=endpoint.network,
                        address=format_address(address),
                        prefix_length=network.subnet.prefix_length,
                        gateway=network.state.gateway,
                        interface=f"eth{number}",
                        mac_address=mac_address(address).hex(":"),
                    )
                )
        except NetError:
            for attachment in attachments:
                self._network(attachment.network).leases.release(container_id)
            raise
        return tuple(attachments)

    def release(self, container_id: str) -> None:
        """Give a container's addresses back; its links went with its namespace."""
        for network in self._networks.values():
            network.leases.release(container_id)

    def attach(self, container_id: str, attachments: Sequence[Attachment], netns_fd: int) -> None:
        """Link a container's new namespace to its networks, with loopback up, addresses and a default route.

        The default route leads through the first network that is not internal; without one there is none.
        Links that a former process of the container left in the router are replaced.
        """
        ports: list[Request] = []
        names: list[str] = []
        inside = [links.link_up(links.LOOPBACK_INDEX, "the loopback link")]
        gateway = 0
        for number, attachment in enumerate(attachments):
            network = self._network(attachment.network)
            address = parse_address(attachment.address)
            name = f"v{container_id[:11]}.{number}"
            names += (name, network.state.bridge)
            bridge = links.router_index(network.gateway)
            ports.append(links.new_endpoint(name, address, bridge, attachment.interface, number, netns_fd))
            index = links.FIRST_ENDPOINT_INDEX + number
            inside.append(links.new_address(index, address, attachment.prefix_length, attachment.interface))
            inside.append(links.link_up(index, attachment.interface))
            inside.append(links.new_neighbour(index, network.gateway, attachment.interface))
            ports.append(links.new_neighbour(bridge, address, network.state.bridge))
            if not gateway and not network.state.spec.internal:
                gateway = network.gateway
        if gateway:
            inside.append(links.default_route(gateway))
        with self._enter(netns_fd):
            # Networks speak IPv4; without this every link would announce itself by IPv6 multicast.
            write_sysctl("net/ipv6/conf/default/disable_ipv6", "1", optional=True)
            container = Rtnetlink()
        with container:
            try:
                self._router.send(ports)
            except NetlinkError as error:
                if error.errno not in {errno.EEXIST, errno.EINVAL}:
                    raise
                if error.errno == errno.EINVAL:  # so the kernel says that there is no such bridge
                    for attachment in attachments:
                        self._mend(self._network(attachment.network))
                self._router.send([self._delete_port(attachment) for attachment in attachments])
                self._router.send(ports)
            container.send(inside)
        self._router.settle(names)

    def publish(
        self, container_id: str, attachments: Sequence[Attachment], ports: Sequence[PublishedPort]
    ) -> tuple[PublishedPort, ...]:
        """Lead host ports to a container; returns them with their host ports chosen where none was asked for.

        They lead to the container's first network that is not internal; without one nothing is published. All of
        them are published, or PortError says which one is taken and none is. Asked again, the same ports stay.
        """
        address = next((one.address for one in attachments if not self._network(one.network).state.spec.internal), None)
        standing = self._publications.find(container_id)
        if standing is not None:
            if standing.satisfies(address, ports):
                return standing.ports
            self.withdraw(container_id)
        if address is None or not ports:
            return ()
        publication = self._publications.add(container_id, address, tuple(ports))
        try:
            if not self._rules.publish(publication.rules()):
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
            in_place = self._rules.withdraw(standing.rules())
            self._publications.drop(container_id)
            if not in_place:
                self._apply_rules()
            forget_datagrams(standing.datagram_ports())

    def reconcile(self) -> tuple[NetError, ...]:
        """Make again whatever is missing: links, routes, rules, and the sockets that hold published ports.

        Returns the problems: records that were damaged, and ports that somebody else took while nobody held them; the
        rules of those stand all the same.
        """
        for network in self._networks.values():
            self._mend(network)
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

    def _choose(self, spec: NetworkSpec) -> NetworkState:
        own = [network.subnet for network in self._networks.values()]
        if spec.subnet:
            subnet = parse_subnet(spec.subnet)
            check_wanted_subnet(subnet, self._survey.routes(), HOST_LINK_PREFIX)
            for name, network in self._networks.items():
                if subnet.overlaps(network.subnet):
                    raise NetError(
                        f"the subnet {subnet} of the network {spec.name} overlaps {network.subnet} of {name}",
                        hint="give each network a subnet of its own",
                    )
        else:
            subnet = choose_subnet([*self._survey.occupied(), *own])
        gateway = choose_gateway(subnet, spec.gateway)
        used = {network.state.bridge for network in self._networks.values()}
        bridge = next(name for number in range(len(used) + 1) if (name := f"{BRIDGE_PREFIX}{number}") not in used)
        return NetworkState(spec=spec, subnet=str(subnet), gateway=format_address(gateway), bridge=bridge)

    def _make_links(self, network: Network, *, adopt: bool) -> None:
        bridge, gateway = network.state.bridge, network.gateway
        index = links.router_index(gateway)
        self._router.send(
            [
                links.new_bridge(bridge, gateway),
                links.new_address(index, gateway, network.subnet.prefix_length, bridge),
            ]
        )
        if not network.state.spec.internal:
            uplink = self._uplink
            self._host.send([links.new_route(network.subnet, uplink.router_address, uplink.host_index, adopt=adopt)])

    def _mend(self, network: Network) -> None:
        """Make a bridge again that somebody removed, and put the containers back on it."""
        self._make_links(network, adopt=True)
        bridge = links.router_index(network.gateway)
        for address in network.leases.addresses:
            neighbour = links.new_neighbour(bridge, address, network.state.bridge)
            self._router.send([links.join_bridge(address, bridge), neighbour])

    def _remove_links(self, network: Network) -> None:
        self._remove_route(network)
        self._router.send([links.delete_link(links.router_index(network.gateway), network.state.bridge)])

    def _remove_route(self, network: Network) -> None:
        if not network.state.spec.internal:
            self._host.send([links.delete_route(network.subnet, self._uplink.router_address)])

    def _delete_port(self, attachment: Attachment) -> Request:
        index = links.router_index(parse_address(attachment.address))
        return links.delete_link(index, attachment.address)


def switch_loopback_on() -> None:
    """Switch the loopback link of the namespace on that the caller is in: all that one without networks has."""
    with Rtnetlink() as netlink:
        netlink.send([links.link_up(links.LOOPBACK_INDEX, "the loopback link")])


def remove_host_side(*, token: str, label: str, run_nft: RunNft | None = None) -> None:
    """Remove what a stack has on the host when its router cannot be opened; nothing there is fine."""
    remove_host_rules(f"windlass-{label}", run_nft)
    with Rtnetlink() as host:
        host.send([links.delete_link_named(host_link_name(token))])


def _prepare_namespace() -> None:
    """Set the router's settings before its first link is made, so that all links have them."""
    ensure_forwarding()
    for which in ("all", "default"):
        write_sysctl(f"net/ipv4/conf/{which}/rp_filter", "1")
        write_sysctl(f"net/ipv4/conf/{which}/send_redirects", "0")
        write_sysctl(f"net/ipv6/conf/{which}/disable_ipv6", "1", optional=True)
