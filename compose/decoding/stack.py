"""Turns a normal document into the typed stack."""

from collections.abc import Iterable, Mapping
from typing import Any

from compose.decoding.builds import build
from compose.decoding.elsewhere import tell_what_is_elsewhere
from compose.decoding.files import FilesDecoder
from compose.decoding.findings import Findings
from compose.decoding.grants import Kind, content
from compose.decoding.lives import lives
from compose.decoding.networks import network, networking
from compose.decoding.programs import ProgramsDecoder
from compose.decoding.resources import ResourcesDecoder
from compose.decoding.updates import updates
from compose.decoding.values import NOTHING, flag, number, seconds, text, texts, words
from compose.decoding.watches import triggers
from compose.model import (
    Content,
    Dependency,
    Healthcheck,
    Network,
    Service,
    Volume,
)
from compose.nodes import Node


class Decoder:
    """Decodes services, networks, volumes, configs and secrets; keeps what it finds out about them."""

    def __init__(self) -> None:
        self.findings = Findings()
        self._files = FilesDecoder(self.findings)

    def service(self, name: str, node: Node) -> Service:
        """One service."""
        fields = node.fields
        path = f"services.{name}"
        tell_what_is_elsewhere(fields, path, self.findings)
        return Service(
            name=name,
            image=text(fields, "image"),
            build=build(fields["build"].fields, f"{path}.build", self.findings) if "build" in fields else None,
            container_name=text(fields, "container_name"),
            command=words(fields["command"]) if "command" in fields else None,
            entrypoint=words(fields["entrypoint"]) if "entrypoint" in fields else None,
            environment=texts(fields.get("environment")),
            working_dir=text(fields, "working_dir"),
            user=text(fields, "user"),
            labels=texts(fields.get("labels")),
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
            **ResourcesDecoder(fields, path, self.findings).settings(),
            **ProgramsDecoder(fields, path, self.findings).settings(),
            **networking(fields, path, self.findings),
            **self._files.settings(fields, path),
            watch=triggers(fields, path, self.findings) if "develop" in fields else (),
            **lives(fields, path, self.findings),
            **updates(fields, path, self.findings),
        )

    def network(self, key: str, node: Node) -> Network:
        """One network."""
        return network(key, node, self.findings)

    def volume(self, key: str, node: Node) -> Volume:
        """One volume."""
        return self._files.volume(key, node)

    def content(self, kind: Kind, key: str, node: Node, variables: Mapping[str, str]) -> Content:
        """One config or secret; `variables` are the project's."""
        return content(kind, key, node, variables, self.findings)


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
        start_interval_seconds=seconds(fields, "start_interval"),
        retries=None if retries is None else int(retries),
        disable=flag(fields, "disable"),
    )
