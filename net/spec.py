"""What a stack's network is asked to be: plain values that cross process borders as JSON."""

from typing import Literal

import msgspec

Protocol = Literal["tcp", "udp"]


class NetworkSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One network of a stack.

    `name` is the full name (`guestbook_default`); `subnet` is CIDR text or empty for "choose a free one";
    `gateway` an address in it or empty for the first one. `internal` networks reach nothing outside. Containers get
    addresses from `ip_range` (empty: the whole subnet), never one that is `reserved`. The names with 6 are of IPv6.
    `mtu` 0 is the kernel's default; `bridge` is a wish for the bridge's name; containers on an `isolated` network do
    not reach each other. Without `masquerade` their addresses are seen outside. Ports of containers are published on
    `binding` where they name no address of their own.
    """

    name: str
    subnet: str = ""
    gateway: str = ""
    internal: bool = False
    labels: dict[str, str] = {}
    ip_range: str = ""
    reserved: tuple[str, ...] = ()
    ipv4: bool = True
    ipv6: bool = False
    subnet6: str = ""
    gateway6: str = ""
    mtu: int = 0
    bridge: str = ""
    isolated: bool = False
    masquerade: bool = True
    binding: str = ""


class NetworkState(msgspec.Struct, frozen=True, kw_only=True):
    """A network as it exists: its spec with what was chosen for it. `bridge` is the link's name in the router."""

    spec: NetworkSpec
    subnet: str
    gateway: str
    bridge: str
    subnet6: str = ""
    gateway6: str = ""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A container's wish for one network: `network` by its full name, `address` empty for "choose a free one".

    `aliases` are the names that other containers on this network find it by, besides its service and container name.
    `sysctls` are settings "net.ipv4.conf.IFNAME.log_martians=1" of its link. The default route leads through the
    network with the highest `gateway_priority`.
    """

    network: str
    aliases: tuple[str, ...] = ()
    address: str = ""
    address6: str = ""
    link_local: tuple[str, ...] = ()
    mac_address: str = ""
    interface: str = ""
    sysctls: tuple[str, ...] = ()
    gateway_priority: int = 0


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as it exists: `interface` is the link's name inside the container (eth0, eth1, ...).

    Without `ipv4`, `address` is only what the link is known by in the router: the container does not have it.
    """

    network: str
    address: str
    prefix_length: int
    gateway: str
    interface: str
    mac_address: str
    address6: str = ""
    prefix_length6: int = 0
    gateway6: str = ""
    ipv4: bool = True
    link_local: tuple[str, ...] = ()
    sysctls: tuple[str, ...] = ()
    gateway_priority: int = 0


class PublishedPort(msgspec.Struct, frozen=True, kw_only=True):
    """One host port led to a container port: `host_ip` empty is every address, `host_port` 0 asks for a free one.

    With a `last_port`, it is the first free one from `host_port` on.
    """

    container_port: int
    host_port: int = 0
    host_ip: str = ""
    protocol: Protocol = "tcp"
    last_port: int = 0
