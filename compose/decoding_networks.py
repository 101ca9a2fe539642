"""Decodes what a file says about networks, ports and names."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from compose.model import Network, Port, ServiceNetwork
from compose.nodes import Node
from compose.refusal import Refuse
from compose.values import NOTHING, flag, number, text, texts, words


def networking(fields: Mapping[str, Node], path: str, refuse: Refuse) -> dict[str, Any]:
    """The fields of a service that are about its network; `path` is the service's in messages."""
    return {
        "network_mode": text(fields, "network_mode"),
        "hostname": text(fields, "hostname"),
        "domainname": text(fields, "domainname"),
        "dns": words(fields.get("dns")) or (),
        "dns_search": words(fields.get("dns_search")) or (),
        "dns_opt": words(fields.get("dns_opt")) or (),
        "extra_hosts": tuple(_host(entry) for entry in words(fields.get("extra_hosts")) or ()),
        "ports": tuple(_ports(fields.get("ports", NOTHING), path, refuse)),
        "expose": words(fields.get("expose")) or (),
        "networks": tuple(_service_networks(fields.get("networks", NOTHING))),
        "links": tuple(_link(link) for link in words(fields.get("links")) or ()),
    }


def network(key: str, node: Node, refuse: Refuse) -> Network:
    """One network of the file."""
    fields = node.fields
    driver = fields.get("driver")
    if driver is not None and driver.value not in ("", "bridge", "default", "host", "none", "null"):
        hint = "use `driver: bridge`, or delete the line"
        refuse(driver, f"networks.{key}: the driver '{driver.value}' is not supported yet", hint)
    ipam = fields.get("ipam", NOTHING).fields
    chooser = ipam.get("driver")
    if chooser is not None and chooser.value not in ("", "default"):
        message = f"networks.{key}.ipam: the driver '{chooser.value}' is not supported yet"
        refuse(chooser, message, "use `driver: default`, or delete the line")
    configs = ipam.get("config", NOTHING).entries
    if len(configs) > 1:
        refuse(configs[1], f"networks.{key}.ipam.config: a second subnet is not supported yet", "keep one")
    config = configs[0].fields if configs else {}
    return Network(
        key=key,
        name=text(fields, "name"),
        internal=flag(fields, "internal"),
        external=flag(fields, "external"),
        driver=text(fields, "driver"),
        subnet=text(config, "subnet"),
        gateway=text(config, "gateway"),
        labels=texts(fields.get("labels")),
    )


def _ports(node: Node, path: str, refuse: Refuse) -> Iterator[Port]:
    for index, entry in enumerate(node.entries):
        fields = entry.fields
        protocol = text(fields, "protocol")
        if protocol not in ("tcp", "udp"):
            refuse(entry, f"{path}.ports[{index}]: the protocol {protocol} is not supported yet", "use tcp or udp")
            continue
        published = text(fields, "published")
        yield Port(
            target=int(number(fields, "target") or 0),
            published="" if published == "0" else published,
            host_ip=text(fields, "host_ip"),
            protocol="udp" if protocol == "udp" else "tcp",
        )


def _host(entry: str) -> tuple[str, str]:
    name, _, address = entry.partition("=")
    return name, address


def _link(link: str) -> tuple[str, str]:
    service, _, alias = link.partition(":")
    return alias or service, service


def _service_networks(node: Node) -> Iterable[ServiceNetwork]:
    for name, details in node.fields.items():
        yield ServiceNetwork(
            network=name,
            aliases=words(details.fields.get("aliases")) or (),
            ipv4_address=text(details.fields, "ipv4_address"),
        )
