"""Translates a service's network into a container's specification, and a file's network into the engine's."""

import os
from typing import Any

from msgspec import structs

from compose import codes, naming
from compose.deciding.fingerprint import definition_hash
from compose.deciding.replica import Replica
from compose.decoding.driver_options import link_settings, network_settings
from compose.errors import FileError, Problem
from compose.model import Port, Service, Stack
from engine.images.model import ImageConfig
from engine.spec import Resolver
from engine.version import VERSION
from net.spec import Endpoint, NetworkSpec, PublishedPort


def networking(stack: Stack, replica: Replica, config: ImageConfig, container_id: str) -> dict[str, Any]:
    """The fields of a container's specification that are about its network; raises FileError."""
    service = replica.service
    mode = network_namespace(stack, replica)
    return {
        "hostname": service.hostname or (os.uname().nodename if mode == "host" else container_id[:12]),
        "endpoints": _endpoints(stack, service),
        "links": (*service.links, *service.external_links),
        "ports": ()
        if mode in ("host", "none")
        else tuple(_published(stack, replica, index, port) for index, port in enumerate(service.ports)),
        "exposed_ports": _exposed(service, config),
        "resolver": Resolver(
            servers=service.dns,
            search=service.dns_search,
            options=service.dns_opt,
            hosts=service.extra_hosts,
            domain=service.domainname,
        ),
    }


def network_namespace(stack: Stack, replica: Replica) -> str:
    """Whose network namespace a container is in, as `Namespaces.network` says it."""
    mode = replica.service.network_mode
    if not mode.startswith("service:"):
        return mode
    owner = stack.services[mode.removeprefix("service:")]
    number = replica.number if replica.number <= owner.replicas else 1
    return f"container:{owner.container_name or naming.container_name(stack.name, owner.name, number, stack.separator)}"


def network_spec(stack: Stack, key: str) -> NetworkSpec:
    """The network that `stack.networks[key]` describes."""
    network = stack.networks[key]
    spec = NetworkSpec(
        name=network.name,
        subnet=network.subnet,
        gateway=network.gateway,
        internal=network.internal,
        ip_range=network.ip_range,
        reserved=network.aux_addresses,
        ipv4=network.ipv4,
        ipv6=network.ipv6,
        subnet6=network.subnet6,
        gateway6=network.gateway6,
        **network_settings(network.driver_opts),
        labels=network.labels,
    )
    ours = {
        naming.PROJECT: stack.name,
        naming.NETWORK: key,
        naming.CONFIG_HASH: definition_hash(spec),
        naming.VERSION: VERSION,
    }
    return structs.replace(spec, labels={**network.labels, **ours})


def _endpoints(stack: Stack, service: Service) -> tuple[Endpoint, ...]:
    """The service's links, those of the highest priority first; a MAC address of the service's own is the first's."""
    wishes = sorted(service.networks, key=lambda wish: -wish.priority)
    endpoints = []
    for number, wish in enumerate(wishes):
        settings = link_settings(wish.driver_opts)
        endpoints.append(
            Endpoint(
                network=stack.networks[wish.network].name,
                aliases=wish.aliases,
                address=wish.ipv4_address,
                address6=wish.ipv6_address,
                link_local=wish.link_local_ips,
                mac_address=wish.mac_address or (service.mac_address if number == 0 else ""),
                interface=wish.interface_name or settings.get("interface", ""),
                sysctls=settings.get("sysctls", ()),
                gateway_priority=wish.gw_priority,
            )
        )
    return tuple(endpoints)


def _published(stack: Stack, replica: Replica, index: int, port: Port) -> PublishedPort:
    """Replica k publishes the k-th port of a range, a single one the first that is free.

    Replicas share a single port, unless its mode is host. A range that is too short for all of them is refused.
    """
    first, _, last = port.published.partition("-")
    low = int(first or 0)
    size = int(last or low) - low + 1
    if low and size < replica.total and (size > 1 or port.mode == "host"):
        name = replica.service.name
        of_host = " in mode host" if size == 1 else ""
        raise FileError(
            (
                Problem(
                    stack.place("services", name, "ports", index),
                    f"services.{name} publishes port {port.published}{of_host}, but has {replica.total} replicas",
                    f"publish a range ('{low}-{low + replica.total - 1}:{port.target}'), "
                    f"any free port ('{port.target}'), or run one replica",
                    codes.ONE_FOR_MANY,
                ),
            )
        )
    return PublishedPort(
        container_port=port.target,
        host_port=low + replica.number - 1 if replica.total > 1 and size > 1 else low,
        last_port=low + size - 1 if replica.total == 1 and size > 1 else 0,
        host_ip=port.host_ip,
        protocol=port.protocol,
    )


def _exposed(service: Service, config: ImageConfig) -> tuple[str, ...]:
    wanted = (*config.exposed_ports, *service.expose, *(f"{port.target}/{port.protocol}" for port in service.ports))
    return tuple(dict.fromkeys(text if "/" in text else f"{text}/tcp" for text in wanted))
