"""The addresses of one network that are in use: one file each, named by the address.

It holds the container's id and, where that does not follow from the address, its link's hardware address.
"""

from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path

from net.addresses import Block, choose_address
from net.errors import AddressError


class Leases:
    """What is leased of one subnet. The directory is the truth; it is read once, for it has a single writer.

    `kept` are addresses that no container gets, with what has them; the others come from `within` a part of the subnet.
    A file without content is what a killed writer left behind: nobody got its address, and it is removed, as is one
    that is damaged.
    """

    def __init__(self, directory: Path, subnet: Block, kept: Mapping[int, str], *, within: Block | None = None) -> None:
        self._directory = directory
        self._subnet = subnet
        self._kept = kept
        self._within = within
        self._holders: dict[int, str] = {}
        self._macs: dict[int, bytes] = {}
        directory.mkdir(exist_ok=True)
        for path in directory.iterdir():
            try:
                holder, _, mac = path.read_text().partition(" ")
                address, link = subnet.parse(path.name), bytes.fromhex(mac)
            except (AddressError, ValueError):
                holder = ""
            if not holder:
                path.unlink()
                continue
            self._holders[address] = holder
            if link:
                self._macs[address] = link
        self._taken = ChainMap(self._holders, dict(kept))
        self._held = {holder: address for address, holder in self._holders.items()}

    def __len__(self) -> int:
        return len(self._holders)

    @property
    def holders(self) -> frozenset[str]:
        """The containers that have addresses."""
        return frozenset(self._held)

    @property
    def links(self) -> tuple[tuple[int, bytes], ...]:
        """The addresses that containers have, with their links' hardware addresses (empty: they follow)."""
        return tuple((address, self._macs.get(address, b"")) for address in self._holders)

    def take(self, container_id: str, wanted: str = "", mac: bytes = b"") -> int:
        """Lease an address to a container; a container keeps the one that it has unless it wants another."""
        address = self._subnet.parse(wanted) if wanted else None
        held = self._held.get(container_id)
        if held is not None:
            if address in (None, held):
                return held
            self.release(container_id)
        holder = None if address is None else self._taken.get(address)
        if address is not None and holder is not None:
            owner = holder if address in self._kept else f"container {holder[:12]}"
            raise AddressError(
                f"the address {wanted} is taken by {owner}", hint="choose another one, or leave it out of the file"
            )
        chosen = choose_address(self._subnet, self._taken, address, within=self._within)
        self._directory.mkdir(exist_ok=True)
        with (self._directory / self._subnet.format(chosen)).open("x") as lease:
            lease.write(_line(container_id, mac))
        self._holders[chosen] = container_id
        if mac:
            self._macs[chosen] = mac
        self._held[container_id] = chosen
        return chosen

    def keep(self) -> None:
        """Write again what somebody removed."""
        self._directory.mkdir(exist_ok=True)
        for address, holder in self._holders.items():
            path = self._directory / self._subnet.format(address)
            if not path.exists():
                path.write_text(_line(holder, self._macs.get(address, b"")))

    def release(self, container_id: str) -> None:
        """Give a container's address back; one that holds none is fine."""
        address = self._held.pop(container_id, None)
        if address is not None:
            (self._directory / self._subnet.format(address)).unlink(missing_ok=True)
            del self._holders[address]
            self._macs.pop(address, None)


def _line(container_id: str, mac: bytes) -> str:
    return f"{container_id} {mac.hex()}" if mac else container_id
