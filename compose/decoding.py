"""Turns a normal document into the typed stack; values that windlass cannot serve yet are problems."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from compose.decoding_files import FilesDecoder
from compose.decoding_resources import resources
from compose.errors import Problem
from compose.model import (
    Build,
    Dependency,
    Healthcheck,
    Network,
    Port,
    Service,
    ServiceNetwork,
    Volume,
)
from compose.nodes import Node
from compose.values import NOTHING, flag, number, seconds, text, texts, words


class Decoder:
    """Decodes services, networks and volumes; keeps the problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._files = FilesDecoder(self._refuse)

    def _refuse(self, node: Node, message: str, hint: str = "") -> None:
        self.problems.append(Problem(node.place, message, hint))

    def service(self, name: str, node: Node) -> Service:
        """One service."""
        fields = node.fields
        path = f"services.{name}"
        return Service(
            name=name,
            image=text(fields, "image"),
            build=_build(fields["build"].fields) if "build" in fields else None,
            container_name=text(fields, "container_name"),
            command=words(fields["command"]) if "command" in fields else None,
            entrypoint=words(fields["entrypoint"]) if "entrypoint" in fields else None,
            environment=texts(fields.get("environment")),
            working_dir=text(fields, "working_dir"),
            user=text(fields, "user"),
            hostname=text(fields, "hostname"),
            labels=texts(fields.get("labels")),
            ports=tuple(self._ports(fields.get("ports", NOTHING), path)),
            expose=words(fields.get("expose")) or (),
            networks=tuple(_service_networks(fields.get("networks", NOTHING))),
            links=tuple(_link(link) for link in words(fields.get("links")) or ()),
            depends_on=tuple(_dependencies(fields.get("depends_on", NOTHING))),
            healthcheck=_healthcheck(fields["healthcheck"].fields) if "healthcheck" in fields else None,
            restart=text(fields, "restart") or "no",
            stop_signal=text(fields, "stop_signal"),
            stop_grace_period_seconds=seconds(fields, "stop_grace_period"),
            init=flag(fields, "init"),
            read_only=flag(fields, "read_only"),
            cap_add=words(fields.get("cap_add")) or (),
            cap_drop=words(fields.get("cap_drop")) or (),
            profiles=words(fields.get("profiles")) or (),
            **resources(fields, path, self._refuse),
            **self._files.settings(fields, path),
        )

    def network(self, key: str, node: Node) -> Network:
        """One network."""
        fields = node.fields
        driver = fields.get("driver")
        if driver is not None and driver.value not in ("", "bridge", "default"):
            hint = "use `driver: bridge`, or delete the line"
            self._refuse(driver, f"networks.{key}: the driver '{driver.value}' is not supported yet", hint)
        ipam = fields.get("ipam", NOTHING).fields
        chooser = ipam.get("driver")
        if chooser is not None and chooser.value not in ("", "default"):
            message = f"networks.{key}.ipam: the driver '{chooser.value}' is not supported yet"
            self._refuse(chooser, message, "use `driver: default`, or delete the line")
        configs = ipam.get("config", NOTHING).entries
        if len(configs) > 1:
            self._refuse(configs[1], f"networks.{key}.ipam.config: a second subnet is not supported yet", "keep one")
        config = configs[0].fields if configs else {}
        return Network(
            key=key,
            name=text(fields, "name"),
            internal=flag(fields, "internal"),
            subnet=text(config, "subnet"),
            gateway=text(config, "gateway"),
            labels=texts(fields.get("labels")),
        )

    def volume(self, key: str, node: Node) -> Volume:
        """One volume."""
        return self._files.volume(key, node)

    def _ports(self, node: Node, path: str) -> Iterator[Port]:
        for index, entry in enumerate(node.entries):
            fields = entry.fields
            protocol = text(fields, "protocol")
            if protocol not in ("tcp", "udp"):
                self._refuse(
                    entry, f"{path}.ports[{index}]: the protocol {protocol} is not supported yet", "use tcp or udp"
                )
                continue
            published = text(fields, "published")
            yield Port(
                target=int(number(fields, "target") or 0),
                published="" if published == "0" else published,
                host_ip=text(fields, "host_ip"),
                protocol="udp" if protocol == "udp" else "tcp",
            )



def _build(fields: Mapping[str, Node]) -> Build:
    return Build(
        context=text(fields, "context"),
        dockerfile=text(fields, "dockerfile"),
        args=dict(texts(fields.get("args"))),
        target=text(fields, "target"),
    )


def _link(text: str) -> tuple[str, str]:
    service, _, alias = text.partition(":")
    return alias or service, service


def _service_networks(node: Node) -> Iterable[ServiceNetwork]:
    for name, details in node.fields.items():
        yield ServiceNetwork(
            network=name,
            aliases=words(details.fields.get("aliases")) or (),
            ipv4_address=text(details.fields, "ipv4_address"),
        )


def _dependencies(node: Node) -> Iterable[Dependency]:
    for name, details in node.fields.items():
        condition: Any = details.fields["condition"].value
        required = details.fields.get("required")
        yield Dependency(
            service=name,
            condition=condition,
            required=required is None or required.value is True,
            restart=flag(details.fields, "restart"),
        )


def _healthcheck(fields: Mapping[str, Node]) -> Healthcheck:
    retries = number(fields, "retries")
    return Healthcheck(
        test=words(fields.get("test")) or (),
        interval_seconds=seconds(fields, "interval"),
        timeout_seconds=seconds(fields, "timeout"),
        start_period_seconds=seconds(fields, "start_period"),
        retries=None if retries is None else int(retries),
        disable=flag(fields, "disable"),
    )
