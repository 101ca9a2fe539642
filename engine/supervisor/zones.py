"""Decides which names a container finds, and what addresses they stand for."""

from collections.abc import Iterable, Mapping

from engine.state import ContainerRecord
from net.names import Zone
from net.spec import Attachment, NetworkState


def zone_of(client: ContainerRecord, running: Iterable[ContainerRecord], networks: Mapping[str, NetworkState]) -> Zone:
    """What a container may see of those that run: the ones that it shares a network with, itself among them.

    A container goes by its service, `<service>.<stack>`, its own name, the first 12 digits of its id, its hostname, and
    its aliases on the network. A name that several containers share stands for all of them, in the order of their
    numbers. A link's alias stands for the service, for this client alone. A client's own servers are asked from
    inside its namespace, where internal networks lead nowhere: it may ask them anything.
    """
    shared = {attachment.network for attachment in client.state.attachments}
    addresses: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for record in sorted(running, key=lambda record: (record.spec.service, record.spec.number)):
        for attachment in record.state.attachments:
            if attachment.network in shared:
                mine = addresses_of(attachment)
                names.update(dict.fromkeys(mine, record.spec.name))
                for name in _names_on(record, attachment.network):
                    found = addresses.setdefault(name.lower(), [])
                    found += (address for address in mine if address not in found)
    for alias, service in client.spec.links:
        if service.lower() in addresses:
            addresses[alias.lower()] = addresses[service.lower()]
    return Zone(
        addresses={name: tuple(found) for name, found in addresses.items()},
        names=names,
        subnets=tuple(network.subnet for network in networks.values()),
        forwards=bool(client.spec.resolver.servers)
        or any(not network.spec.internal for name, network in networks.items() if name in shared),
    )


def addresses_of(attachment: Attachment) -> tuple[str, ...]:
    """The addresses that a container has on a network."""
    narrow = (attachment.address,) if attachment.ipv4 else ()
    return (*narrow, attachment.address6) if attachment.address6 else narrow


def _names_on(record: ContainerRecord, network: str) -> Iterable[str]:
    spec = record.spec
    aliases = next((endpoint.aliases for endpoint in spec.endpoints if endpoint.network == network), ())
    own = (spec.name, spec.id[:12], spec.hostname, *aliases)
    return own if spec.one_off else (spec.service, f"{spec.service}.{spec.stack}", *own)
