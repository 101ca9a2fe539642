"""What IPv6 adds to a router whose links were made: nothing of it happens for stacks that do not speak it."""

import os

from net import links
from net.errors import NetError
from net.namespaces import Enter
from net.networks import Network
from net.rtnetlink import Rtnetlink
from net.sysctls import write_sysctl
from net.uplink import ROUTER_LINK, Uplink

_CONF = "/proc/sys/net/ipv6/conf"


def ensure_uplink6(uplink: Uplink, *, host: Rtnetlink, router: Rtnetlink, enter: Enter, namespace_fd: int) -> None:
    """Let an uplink carry IPv6. Called in the host's namespace."""
    block = uplink.block6
    _speak(uplink.name)
    host.send([links.new_address(uplink.host_index, block.first + 1, block.prefix_length, uplink.name, bits=128)])
    ensure_host_forwarding()
    with enter(namespace_fd):
        write_sysctl("net/ipv6/conf/all/forwarding", "1")
        _speak(ROUTER_LINK)
    index = links.router_index(uplink.router_address)
    router.send(
        [
            links.new_address(index, block.first + 2, block.prefix_length, ROUTER_LINK, bits=128),
            links.default_route(block.first + 1, bits=128),
        ]
    )


def ensure_gateway6(network: Network, *, router: Rtnetlink, enter: Enter, namespace_fd: int) -> None:
    """Give a network's bridge its gateway's address."""
    if network.subnet6 is None:
        return
    bridge = network.state.bridge
    with enter(namespace_fd):
        _speak(bridge)
    index = links.router_index(network.gateway)
    router.send([links.new_address(index, network.gateway6, network.subnet6.prefix_length, bridge, bits=128)])


def speak_on_new_links() -> None:
    """Have the links that the caller's namespace is about to get speak IPv6, at once."""
    write_sysctl("net/ipv6/conf/default/accept_dad", "0", optional=True)
    write_sysctl("net/ipv6/conf/default/accept_ra", "0", optional=True)


def ensure_host_forwarding() -> None:
    """Let the host forward IPv6. On the host this stays on, as other engines leave it.

    A host that forwards takes no routes from routers' advertisements any more, unless it is told to (accept_ra 2, see
    ip-sysctl.rst in the kernel's documentation): those of its links that took some go on doing so.
    """
    try:
        with open(f"{_CONF}/all/forwarding", encoding="ascii") as setting:  # noqa: PTH123 - no Path for one read
            if setting.read().strip() != "0":
                return
    except OSError:
        raise NetError(
            "this kernel has no IPv6", hint="delete `enable_ipv6` and the IPv6 subnets of the file's networks"
        ) from None
    for name in os.listdir(_CONF):
        with open(f"{_CONF}/{name}/accept_ra", encoding="ascii") as setting:  # noqa: PTH123 - likewise
            takes_routes = setting.read().strip() == "1"
        if takes_routes and name not in ("all", "default", "lo"):
            write_sysctl(f"net/ipv6/conf/{name}/accept_ra", "2")
    write_sysctl("net/ipv6/conf/all/forwarding", "1")


def _speak(link: str) -> None:
    """Switch a link's IPv6 on, in the caller's namespace; its addresses are known to be its own."""
    write_sysctl(f"net/ipv6/conf/{link}/accept_dad", "0")
    write_sysctl(f"net/ipv6/conf/{link}/accept_ra", "0")
    write_sysctl(f"net/ipv6/conf/{link}/disable_ipv6", "0")
