"""Keeps the record of a stack's networks: one directory each, with network.json in it and the leases below."""

import re
from pathlib import Path
from typing import Any

import msgspec

from net.addresses import (
    Block,
    format_address,
    format_address6,
    mac_address,
    parse_address,
    parse_address6,
    parse_block,
    parse_subnet6,
)
from net.errors import AddressError, NetError
from net.leases import Leases
from net.spec import Attachment, Endpoint, NetworkState

_RESERVED = "the network's aux_addresses"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"


class Network:
    """A network that exists, with its addresses as numbers and its leases; those with 6 are None without IPv6."""

    def __init__(self, state: NetworkState, directory: Path) -> None:
        self.state = state
        self.subnet: Block = parse_block(state.subnet)
        self.gateway: int = parse_address(state.gateway)
        kept = {self.gateway: "the gateway"}
        kept6: dict[int, str] = {}
        for text in state.spec.reserved:
            (kept6 if ":" in text else kept)[(parse_address6 if ":" in text else parse_address)(text)] = _RESERVED
        within = parse_block(state.spec.ip_range) if state.spec.ip_range else None
        self.leases = Leases(directory / "leases", self.subnet, kept, within=within)
        self.subnet6: Block | None = None
        self.gateway6 = 0
        self.leases6: Leases | None = None
        if state.subnet6:
            self.subnet6 = parse_subnet6(state.subnet6)
            self.gateway6 = parse_address6(state.gateway6)
            kept6[self.gateway6] = "the gateway"
            self.leases6 = Leases(directory / "leases6", self.subnet6, kept6)

    @property
    def name(self) -> str:
        """Its full name."""
        return self.state.spec.name

    def lease(self, container_id: str, endpoint: Endpoint, interface: str) -> Attachment:
        """Lease what an endpoint asks for; on failure nothing is leased."""
        mac = bytes.fromhex(endpoint.mac_address.replace(":", "").replace("-", ""))
        address = self.leases.take(container_id, endpoint.address, mac)
        wide: dict[str, Any] = {}
        if self.leases6 is not None and self.subnet6 is not None:
            try:
                address6 = self.leases6.take(container_id, endpoint.address6)
            except NetError:
                self.leases.release(container_id)
                raise
            wide = {
                "address6": format_address6(address6),
                "prefix_length6": self.subnet6.prefix_length,
                "gateway6": self.state.gateway6,
            }
        return Attachment(
            network=endpoint.network,
            address=format_address(address),
            prefix_length=self.subnet.prefix_length,
            gateway=self.state.gateway,
            interface=interface,
            mac_address=(mac or mac_address(address)).hex(":"),
            ipv4=self.state.spec.ipv4,
            link_local=endpoint.link_local,
            sysctls=endpoint.sysctls,
            gateway_priority=endpoint.gateway_priority,
            **wide,
        )

    def release(self, container_id: str) -> None:
        """Give a container's addresses back."""
        self.leases.release(container_id)
        if self.leases6 is not None:
            self.leases6.release(container_id)


class NetworkRecords:
    """The directory of a stack's networks. It has a single writer: the stack's supervisor."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.problems: tuple[NetError, ...] = ()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self) -> dict[str, Network]:
        """Read every network, by name. A directory without a record was never finished, and is removed.

        One with a record that cannot be read is set aside, for the others' sake, and named in `problems`.
        """
        networks = {}
        for directory in sorted(path for path in self._directory.iterdir() if not path.name.startswith(".")):
            try:
                state = msgspec.json.decode((directory / "network.json").read_bytes(), type=NetworkState)
                _require_name(state, directory)
                networks[state.spec.name] = Network(state, directory)
            except FileNotFoundError:
                self.remove(directory.name)
            except (msgspec.DecodeError, UnicodeDecodeError, AddressError) as error:
                aside = directory.with_name(f".damaged-{directory.name}")
                import shutil  # noqa: PLC0415 -- rarely needed, and slow to import

                shutil.rmtree(aside, ignore_errors=True)
                directory.rename(aside)
                problem = NetError(
                    f"cannot read the record of the network {directory.name}: {error}",
                    hint=f"take the stack down and up again; what is left of the record is in {aside}",
                )
                self.problems = (*self.problems, problem)
        return networks

    def write(self, state: NetworkState) -> Network:
        """Record a network, atomically."""
        name = state.spec.name
        if not re.fullmatch(_NAME, name):
            raise NetError(
                f"{name!r} cannot be the name of a network",
                hint="use letters, digits, '_', '-' and '.', beginning with a letter or digit",
            )
        return Network(state, self._write(state))

    def keep(self, network: Network) -> bool:
        """Write a network's record and leases again if somebody removed them; tells whether somebody had."""
        directory = self._directory / network.name
        if (directory / "network.json").exists() and (directory / "leases").exists():
            return False
        self._directory.mkdir(mode=0o700, exist_ok=True)
        self._write(network.state)
        network.leases.keep()
        if network.leases6 is not None:
            network.leases6.keep()
        return True

    def remove(self, name: str) -> None:
        """Forget a network, its record last; one that somebody removed is forgotten already."""
        directory = self._directory / name
        if not directory.exists():
            return
        (directory / "network.json.new").unlink(missing_ok=True)
        for leases in (directory / "leases", directory / "leases6"):
            if leases.is_dir():
                for path in leases.iterdir():
                    path.unlink(missing_ok=True)
                leases.rmdir()
        (directory / "network.json").unlink(missing_ok=True)
        directory.rmdir()

    def _write(self, state: NetworkState) -> Path:
        directory = self._directory / state.spec.name
        directory.mkdir(mode=0o700, exist_ok=True)
        new = directory / "network.json.new"
        new.write_bytes(msgspec.json.encode(state))
        new.rename(directory / "network.json")
        return directory


def read_states(directory: Path) -> tuple[NetworkState, ...]:
    """Read the networks in a directory, sorted by name, for an observer: changes nothing, skips what is damaged."""
    states = []
    for path in sorted(directory.glob("*/network.json")):
        try:
            state = msgspec.json.decode(path.read_bytes(), type=NetworkState)
            _require_name(state, path.parent)
        except (OSError, msgspec.MsgspecError, UnicodeError, AddressError):
            continue
        states.append(state)
    return tuple(states)


def _require_name(state: NetworkState, directory: Path) -> None:
    """A network is found by its directory's name; a record that tells another one is damaged."""
    if state.spec.name != directory.name:
        raise AddressError(f"it is of another network ({state.spec.name})")
