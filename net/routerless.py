"""What has to be done to networks where there is no router, or none that can be opened."""

from net import links
from net.rtnetlink import Rtnetlink
from net.rules import RunNft, remove_host_rules
from net.uplink import host_link_name


def switch_loopback_on() -> None:
    """Switch the loopback link of the namespace on that the caller is in: all that one without networks has."""
    with Rtnetlink() as netlink:
        netlink.send([links.link_up(links.LOOPBACK_INDEX, "the loopback link")])


def remove_host_side(*, token: str, label: str, run_nft: RunNft | None = None) -> None:
    """Remove what a stack has on the host when its router cannot be opened; nothing there is fine."""
    remove_host_rules(f"windlass-{label}", run_nft)
    with Rtnetlink() as host:
        host.send([links.delete_link_named(host_link_name(token))])
