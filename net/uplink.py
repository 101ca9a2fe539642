"""The one veth pair between a stack's router and the host."""

import fcntl
import os
import socket
import struct
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable, Iterable
from typing import NamedTuple

from net import links
from net.addresses import UPLINK_PREFIX_LENGTH, Block, choose_subnet6, choose_uplink
from net.rtnetlink import Rtnetlink
from net.sysctls import write_sysctl

HOST_LINK_PREFIX = "windl"
ROUTER_LINK = "uplink"
_SIOCGIFADDR = 0x8915


class Uplink(NamedTuple):
    """The pair as it exists: the host's link with its index, and the address of each end."""

    name: str
    host_index: int
    host_address: int
    router_address: int

    @property
    def block6(self) -> Block:
        """The addresses of IPv6, which follow from the name: the host's end has the first, the router's the second."""
        return choose_subnet6(self.name)

    @property
    def block(self) -> Block:
        """Both addresses, with the ones around them."""
        return Block(self.host_address - 1, UPLINK_PREFIX_LENGTH)


def host_link_name(token: str) -> str:
    """Name the host's end. Not `wl...`: that is what wireless links are called, and matched by."""
    return HOST_LINK_PREFIX + token


def ensure_uplink(
    name: str, *, host: Rtnetlink, router: Rtnetlink, in_router: bool, occupied: Iterable[Block]
) -> Uplink:
    """Make the pair, or adopt it as it is; a half-made one is finished. Called in the host's namespace.

    `in_router` tells whether the router has its end; a host's end without it leads to a router that is gone.
    """
    first = _address_of(name) if in_router else None
    if first is None:
        host.send([links.delete_link_named(name)])
        router.send([links.delete_link_named(ROUTER_LINK)])  # its other end may have been moved in by a half-done end
        first = choose_uplink(occupied).first + 1
        host_fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            router.send([links.new_uplink(ROUTER_LINK, first + 1, name, host_fd)])
        finally:
            os.close(host_fd)
    uplink = Uplink(name, socket.if_nametoindex(name), first, first + 1)
    # Local clients of a port published on 127.0.0.1 come this way; no link that others can reach gets this setting.
    write_sysctl(f"net/ipv4/conf/{name}/route_localnet", "1")
    write_sysctl(f"net/ipv4/conf/{name}/send_redirects", "0")
    write_sysctl(f"net/ipv6/conf/{name}/disable_ipv6", "1", optional=True)
    host.send(
        [
            links.new_address(uplink.host_index, uplink.host_address, UPLINK_PREFIX_LENGTH, name),
            links.link_up(uplink.host_index, name),
        ]
    )
    router_index = links.router_index(uplink.router_address)
    router.send(
        [
            links.new_address(router_index, uplink.router_address, UPLINK_PREFIX_LENGTH, ROUTER_LINK),
            links.link_up(router_index, ROUTER_LINK),
            links.default_route(uplink.host_address),
        ]
    )
    host.settle([name])
    router.settle([ROUTER_LINK])
    return uplink


def begin_to_leave(uplink: Uplink, *, host: Rtnetlink, namespace_fd: int) -> Callable[[], None]:
    """Begin to move the host's end into the router's namespace; gives a function that waits until it is there.

    The kernel deletes it in there at its leisure. Until it has left the host, 15 to 40 ms pass (the kernel waits until
    nobody refers to it), and a thread lets other things be done meanwhile; `host` is its own until it is waited for.
    """
    failures: list[BaseException] = []
    done = allocate_lock()
    done.acquire()

    def leave() -> None:
        try:
            host.send([links.move_link(uplink.name, uplink.host_index, namespace_fd)])
        except BaseException as error:  # noqa: BLE001 - raised again for whoever waits
            failures.append(error)
        finally:
            done.release()

    def wait() -> None:
        with done:
            if failures:
                raise failures[0]

    start_new_thread(leave, ())
    return wait


def _address_of(name: str) -> int | None:
    """Ask for the IPv4 address of a link (netdevice(7)); None without such a link or address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking, _SIOCGIFADDR, struct.pack("=16s24x", name.encode()))
        except OSError:
            return None
    return int.from_bytes(answer[20:24], "big")
