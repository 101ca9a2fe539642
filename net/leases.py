"""The addresses of one network that are in use: one file each, named by the address, holding the container's id."""

from pathlib import Path

from net.addresses import Block, choose_address, format_address, parse_address
from net.errors import AddressError


class Leases:
    """What is leased of one subnet. The directory is the truth; it is read once, for it has a single writer.

    A file without content is what a killed writer left behind: nobody got its address, and it is removed.
    """

    def __init__(self, directory: Path, subnet: Block, gateway: int) -> None:
        self._directory = directory
        self._subnet = subnet
        self._gateway = gateway
        self._holders: dict[int, str] = {gateway: "the gateway"}
        directory.mkdir(exist_ok=True)
        for path in directory.iterdir():
            holder = path.read_text()
            if holder:
                self._holders[parse_address(path.name)] = holder
            else:
                path.unlink()
        self._held = {holder: address for address, holder in self._holders.items()}

    def __len__(self) -> int:
        return len(self._holders) - 1

    @property
    def addresses(self) -> tuple[int, ...]:
        """The addresses that containers have."""
        return tuple(address for address in self._holders if address != self._gateway)

    def take(self, container_id: str, wanted: str = "") -> int:
        """Lease an address to a container; a container keeps the one that it has unless it wants another."""
        address = parse_address(wanted) if wanted else None
        held = self._held.get(container_id)
        if held is not None:
            if address in (None, held):
                return held
            self.release(container_id)
        holder = None if address is None else self._holders.get(address)
        if holder is not None:
            owner = holder if address == self._gateway else f"container {holder[:12]}"
            raise AddressError(
                f"the address {wanted} is taken by {owner}", hint="choose another one, or leave it out of the file"
            )
        chosen = choose_address(self._subnet, self._holders, address)
        with (self._directory / format_address(chosen)).open("x") as lease:
            lease.write(container_id)
        self._holders[chosen] = container_id
        self._held[container_id] = chosen
        return chosen

    def release(self, container_id: str) -> None:
        """Give a container's address back; one that holds none is fine."""
        address = self._held.pop(container_id, None)
        if address is not None:
            (self._directory / format_address(address)).unlink(missing_ok=True)
            del self._holders[address]
