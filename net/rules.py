"""Keeps the firewall rules of one stack in the kernel: its table on the host, the table in its router."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from net.addresses import Block
from net.errors import FirewallError
from net.firewall import (
    Bridge,
    HostSide,
    host_ruleset,
    remove_ruleset,
    router_ruleset,
)
from net.namespaces import Enter
from net.networks import Network
from net.portmaps import Published, ports_change
from net.uplink import ROUTER_LINK, Uplink

if TYPE_CHECKING:
    from net.nftables import Nftables


RunNft = Callable[[str], None]
"""Feeds text to `nft -f -` in the namespace of the caller; raises when nft refuses it."""


class Rules:
    """The rules of one stack. The connections to the kernel are made when they are first needed.

    `wide` tells whether there are rules for IPv6.
    """

    def __init__(
        self, *, table: str, uplink: Uplink, namespace_fd: int, enter: Enter, run_nft: RunNft | None, wide: bool
    ) -> None:
        self.table = table
        self._wide = wide
        self._uplink = uplink
        self._namespace_fd = os.dup(namespace_fd)
        self._enter = enter
        self._run_nft = run_nft
        self._host: Nftables | None = None
        self._router: Nftables | None = None

    def apply(self, networks: Iterable[Network], published: Iterable[Published]) -> None:
        """Put all rules in place of those that are there, one transaction a namespace: the router's first."""
        networks, published = tuple(networks), tuple(published)
        self._apply(networks, published, self._uplink.block)
        wide = [network for network in networks if network.subnet6 is not None]
        if wide:
            self._apply(wide, published, self._uplink.block6)
        elif self._wide:
            self._host_rules().apply(remove_ruleset(self.table, wide=True))
        self._wide = bool(wide)

    def _apply(self, networks: Sequence[Network], published: Iterable[Published], uplink_block: Block) -> None:
        """Put the rules for one kind of addresses in place: the kind of the uplink's."""
        wide = uplink_block.bits == 128
        bridges = [
            Bridge(network.state.bridge, network.state.spec.internal, network.state.spec.isolated)
            for network in networks
        ]
        routed = {network.name: network for network in networks if not network.state.spec.internal}
        subnets = {name: network.subnet6 if wide else network.subnet for name, network in routed.items()}
        bare = tuple(subnet for name, subnet in subnets.items() if subnet and not routed[name].state.spec.masquerade)
        side = HostSide(self.table, self._uplink.name, uplink_block, tuple(filter(None, subnets.values())), bare)
        self._router_rules().apply(router_ruleset(ROUTER_LINK, bridges, wide=wide))
        self._host_rules().apply(host_ruleset(side, published))

    def lead(self, before: Iterable[Published], after: Iterable[Published]) -> bool:
        """Change where ports lead; both name all containers that they lead to.

        False when the table is not as it was left, and all rules have to be applied again.
        """
        try:
            self._host_rules().apply(ports_change(self.table, before, after))
        except FirewallError:
            return False
        return True

    def remove(self) -> None:
        """Remove the host's tables; the router's go with its namespace."""
        self._host_rules().apply(remove_ruleset(self.table))
        if self._wide:
            self._host_rules().apply(remove_ruleset(self.table, wide=True))

    def close(self) -> None:
        """Let go of the kernel. The rules stay."""
        for side in (self._host, self._router):
            if side is not None:
                side.close()
        self._host = self._router = None
        if self._namespace_fd >= 0:
            os.close(self._namespace_fd)
            self._namespace_fd = -1

    def _host_rules(self) -> "Nftables":
        if self._host is None:
            from net.nftables import Nftables  # noqa: PLC0415 - loads ctypes and libnftables when they are needed

            self._host = Nftables(run_program=self._run_nft)
        return self._host

    def _router_rules(self) -> "Nftables":
        if self._router is None:
            from net.nftables import Nftables  # noqa: PLC0415 - likewise

            self._router = Nftables(inside=lambda: self._enter(self._namespace_fd), run_program=self._run_nft)
        return self._router


def remove_host_rules(table: str, run_nft: RunNft | None = None) -> None:
    """Remove the host's table of a stack, whether it is there or not."""
    from net.nftables import Nftables  # noqa: PLC0415 - likewise

    host = Nftables(run_program=run_nft)
    try:
        for wide in (False, True):
            host.apply(remove_ruleset(table, wide=wide))
    finally:
        host.close()
