"""Decodes what a file says about networks, ports and names."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from compose import codes
from compose.decoding.driver_options import odd_link_options, odd_network_options
from compose.decoding.findings import Findings
from compose.decoding.values import NOTHING, flag, number, text, texts, words
from compose.model import Network, Port, ServiceNetwork
from compose.nodes import Node


def networking(fields: Mapping[str, Node], path: str, findings: Findings) -> dict[str, Any]:
    """The fields of a service that are about its network; `path` is the service's in messages."""
    return {
        "network_mode": text(fields, "network_mode"),
        "hostname": text(fields, "hostname"),
        "domainname": text(fields, "domainname"),
        "dns": words(fields.get("dns")) or (),
        "dns_search": words(fields.get("dns_search")) or (),
        "dns_opt": words(fields.get("dns_opt")) or (),
        "extra_hosts": tuple(_host(entry) for entry in words(fields.get("extra_hosts")) or ()),
        "ports": tuple(_ports(fields.get("ports", NOTHING), path, findings)),
        "expose": words(fields.get("expose")) or (),
        "networks": tuple(_service_networks(fields.get("networks", NOTHING), path, findings)),
        "mac_address": text(fields, "mac_address"),
        "external_links": tuple(_link(link) for link in words(fields.get("external_links")) or ()),
        "links": tuple(_link(link) for link in words(fields.get("links")) or ()),
    }


def network(key: str, node: Node, findings: Findings) -> Network:
    """One network of the file."""
    fields = node.fields
    ipam = fields.get("ipam", NOTHING).fields
    chooser = ipam.get("driver")
    if chooser is not None and chooser.value not in ("", "default"):
        message = f"networks.{key}.ipam: the driver '{chooser.value}' is not supported yet"
        findings.refuse(chooser, message, "use `driver: default`, or delete the line", codes.NOT_YET)
    if ipam.get("options", NOTHING).fields:
        findings.warn(ipam["options"], f"networks.{key}.ipam.options is without effect")
    configs = {6: NOTHING, 4: NOTHING}
    for entry in ipam.get("config", NOTHING).entries:
        version = 6 if ":" in text(entry.fields, "subnet") + text(entry.fields, "gateway") else 4
        if configs[version] is not NOTHING:
            message = f"networks.{key}.ipam.config: a second subnet of IPv{version} is not supported yet"
            findings.refuse(entry, message, "a bridge has one of each: make another network", codes.NOT_YET)
        configs[version] = entry
    narrow, wide = configs[4].fields, configs[6].fields
    speaks_ipv6 = flag(fields, "enable_ipv6")
    if wide and not speaks_ipv6:
        findings.warn(configs[6], f"networks.{key} has a subnet of IPv6, but not `enable_ipv6: true`: it has no IPv6")
    options = texts(fields.get("driver_opts"))
    _tell_odd(fields.get("driver_opts"), f"networks.{key}", odd_network_options(options), findings)
    return Network(
        key=key,
        name=text(fields, "name"),
        internal=flag(fields, "internal"),
        external=flag(fields, "external"),
        driver=text(fields, "driver"),
        driver_opts=options,
        subnet=text(narrow, "subnet"),
        gateway=text(narrow, "gateway"),
        ip_range=text(narrow, "ip_range"),
        aux_addresses=tuple(
            address for config in (narrow, wide) for address in texts(config.get("aux_addresses")).values()
        ),
        ipv4="enable_ipv4" not in fields or flag(fields, "enable_ipv4"),
        ipv6=speaks_ipv6,
        subnet6=text(wide, "subnet") if speaks_ipv6 else "",
        gateway6=text(wide, "gateway") if speaks_ipv6 else "",
        labels=texts(fields.get("labels")),
    )


def _tell_odd(node: Node | None, path: str, odd: Iterable[tuple[str, str]], findings: Findings) -> None:
    for key, reason in odd:
        option = node.fields[key] if node is not None else NOTHING
        if reason:
            findings.refuse(option, f"{path}.driver_opts.{key} {reason}", "", codes.NO_START)
        else:
            findings.warn(option, f"{path}.driver_opts: windlass does not know '{key}': it is without effect")


def _ports(node: Node, path: str, findings: Findings) -> Iterator[Port]:
    for index, entry in enumerate(node.entries):
        fields = entry.fields
        protocol = text(fields, "protocol").lower() or "tcp"
        if protocol not in ("tcp", "udp"):
            findings.refuse(
                entry,
                f"{path}.ports[{index}]: the protocol {protocol} is not supported yet",
                "use tcp or udp",
                codes.NOT_YET,
            )
            continue
        published = text(fields, "published")
        yield Port(
            target=int(number(fields, "target") or 0),
            published="" if published == "0" else published,
            host_ip=text(fields, "host_ip"),
            protocol="udp" if protocol == "udp" else "tcp",
            mode="host" if text(fields, "mode") == "host" else "ingress",
        )


def _host(entry: str) -> tuple[str, str]:
    name, _, address = entry.partition("=")
    return name, address


def _link(link: str) -> tuple[str, str]:
    service, _, alias = link.partition(":")
    return alias or service, service


def _service_networks(node: Node, path: str, findings: Findings) -> Iterable[ServiceNetwork]:
    for name, details in node.fields.items():
        fields = details.fields
        options = texts(fields.get("driver_opts"))
        _tell_odd(fields.get("driver_opts"), f"{path}.networks.{name}", odd_link_options(options), findings)
        yield ServiceNetwork(
            network=name,
            aliases=words(fields.get("aliases")) or (),
            ipv4_address=text(fields, "ipv4_address"),
            ipv6_address=text(fields, "ipv6_address"),
            link_local_ips=words(fields.get("link_local_ips")) or (),
            mac_address=text(fields, "mac_address"),
            interface_name=text(fields, "interface_name"),
            driver_opts=options,
            priority=int(number(fields, "priority") or 0),
            gw_priority=int(number(fields, "gw_priority") or 0),
        )
