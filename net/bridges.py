"""The bridges of a stack's networks in its router, with the host's routes to them."""

from net import links
from net.addresses import Block
from net.ipv6 import ensure_gateway6, ensure_uplink6
from net.namespaces import Enter
from net.networks import Network
from net.rtnetlink import Rtnetlink
from net.uplink import Uplink
from net.wiring import bridge_requests, neighbour_requests


class Bridges:
    """Makes them, mends them and takes them away. The descriptors and sockets stay the router's."""

    def __init__(self, *, host: Rtnetlink, router: Rtnetlink, uplink: Uplink, enter: Enter, namespace_fd: int) -> None:
        self._host = host
        self._router = router
        self._uplink = uplink
        self._enter = enter
        self._namespace_fd = namespace_fd

    def make(self, network: Network, *, adopt: bool) -> None:
        """Make a network's bridge and the routes to it; with `adopt`, what is there already stays."""
        uplink, spec = self._uplink, network.state.spec
        self._router.send(bridge_requests(network))
        if network.subnet6 is not None:
            if not spec.internal:
                ensure_uplink6(
                    uplink, host=self._host, router=self._router, enter=self._enter, namespace_fd=self._namespace_fd
                )
            ensure_gateway6(network, router=self._router, enter=self._enter, namespace_fd=self._namespace_fd)
        self._host.send([links.new_route(*route, uplink.host_index, adopt=adopt) for route in self._routes(network)])

    def _routes(self, network: Network) -> list[tuple[Block, int]]:
        """The host's ways to a network: blocks and the router's address."""
        spec, routes = network.state.spec, []
        if spec.ipv4 and not spec.internal:
            routes.append((network.subnet, self._uplink.router_address))
        if network.subnet6 is not None and not spec.internal:
            routes.append((network.subnet6, self._uplink.block6.first + 2))
        return routes

    def mend(self, network: Network) -> None:
        """Make a bridge again that somebody removed, and put the containers back on it."""
        self.make(network, adopt=True)
        bridge = links.router_index(network.gateway)
        for address, mac in network.leases.links:
            requests = [links.join_bridge(address, bridge)]
            if network.state.spec.isolated:
                requests.append(links.isolate(address))
            self._router.send(requests + neighbour_requests(network, address, mac))

    def remove(self, network: Network) -> None:
        """Remove a network's bridge and the routes to it."""
        self.remove_routes(network)
        self._router.send([links.delete_link(links.router_index(network.gateway), network.state.bridge)])

    def remove_routes(self, network: Network) -> None:
        """Remove the host's routes to a network."""
        self._host.send([links.delete_route(*route) for route in self._routes(network)])
