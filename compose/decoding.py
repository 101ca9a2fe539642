"""Turns a normal document into the typed stack; values that windlass cannot serve yet are problems."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from compose.errors import Problem
from compose.model import (
    Build,
    Dependency,
    Healthcheck,
    Mount,
    Network,
    Port,
    Service,
    ServiceNetwork,
    Volume,
)
from compose.mounts import tmpfs_target
from compose.nodes import Node, number_text
from compose.quantities import duration_nanoseconds

_NOTHING: Any = Node({}, place=None)  # type: ignore[arg-type]  # it has no content to blame


class Decoder:
    """Decodes services, networks and volumes; keeps the problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def _refuse(self, node: Node, message: str, hint: str = "") -> None:
        self.problems.append(Problem(node.place, message, hint))

    def service(self, name: str, node: Node) -> Service:
        """One service."""
        fields = node.fields
        path = f"services.{name}"
        return Service(
            name=name,
            image=_text(fields, "image"),
            build=_build(fields["build"].fields) if "build" in fields else None,
            container_name=_text(fields, "container_name"),
            command=_words(fields["command"]) if "command" in fields else None,
            entrypoint=_words(fields["entrypoint"]) if "entrypoint" in fields else None,
            environment=_texts(fields.get("environment")),
            working_dir=_text(fields, "working_dir"),
            user=_text(fields, "user"),
            hostname=_text(fields, "hostname"),
            labels=_texts(fields.get("labels")),
            ports=tuple(self._ports(fields.get("ports", _NOTHING), path)),
            expose=_words(fields.get("expose")) or (),
            networks=tuple(_service_networks(fields.get("networks", _NOTHING))),
            links=tuple(_link(text) for text in _words(fields.get("links")) or ()),
            mounts=tuple(self._mounts(fields, path)),
            depends_on=tuple(_dependencies(fields.get("depends_on", _NOTHING))),
            healthcheck=_healthcheck(fields["healthcheck"].fields) if "healthcheck" in fields else None,
            restart=_text(fields, "restart") or "no",
            stop_signal=_text(fields, "stop_signal"),
            stop_grace_period_seconds=_seconds(fields, "stop_grace_period"),
            init=_flag(fields, "init"),
            read_only=_flag(fields, "read_only"),
            cap_add=_words(fields.get("cap_add")) or (),
            cap_drop=_words(fields.get("cap_drop")) or (),
            profiles=_words(fields.get("profiles")) or (),
            **self._limits(fields, path),
        )

    def network(self, key: str, node: Node) -> Network:
        """One network."""
        fields = node.fields
        driver = fields.get("driver")
        if driver is not None and driver.value not in ("", "bridge", "default"):
            hint = "use `driver: bridge`, or delete the line"
            self._refuse(driver, f"networks.{key}: the driver '{driver.value}' is not supported yet", hint)
        ipam = fields.get("ipam", _NOTHING).fields
        chooser = ipam.get("driver")
        if chooser is not None and chooser.value not in ("", "default"):
            message = f"networks.{key}.ipam: the driver '{chooser.value}' is not supported yet"
            self._refuse(chooser, message, "use `driver: default`, or delete the line")
        configs = ipam.get("config", _NOTHING).entries
        if len(configs) > 1:
            self._refuse(configs[1], f"networks.{key}.ipam.config: a second subnet is not supported yet", "keep one")
        config = configs[0].fields if configs else {}
        return Network(
            key=key,
            name=_text(fields, "name"),
            internal=_flag(fields, "internal"),
            subnet=_text(config, "subnet"),
            gateway=_text(config, "gateway"),
            labels=_texts(fields.get("labels")),
        )

    def volume(self, key: str, node: Node) -> Volume:
        """One volume."""
        fields = node.fields
        driver = fields.get("driver")
        if driver is not None and driver.value not in ("", "local", "default"):
            hint = "use `driver: local`, or delete the line"
            self._refuse(driver, f"volumes.{key}: the driver '{driver.value}' is not supported yet", hint)
        return Volume(
            key=key,
            name=_text(fields, "name"),
            external=_flag(fields, "external"),
            labels=_texts(fields.get("labels")),
        )

    def _ports(self, node: Node, path: str) -> Iterator[Port]:
        for index, entry in enumerate(node.entries):
            fields = entry.fields
            protocol = _text(fields, "protocol")
            if protocol not in ("tcp", "udp"):
                self._refuse(
                    entry, f"{path}.ports[{index}]: the protocol {protocol} is not supported yet", "use tcp or udp"
                )
                continue
            published = _text(fields, "published")
            yield Port(
                target=int(_number(fields, "target") or 0),
                published="" if published == "0" else published,
                host_ip=_text(fields, "host_ip"),
                protocol="udp" if protocol == "udp" else "tcp",
            )

    def _mounts(self, fields: Mapping[str, Node], path: str) -> Iterator[Mount]:
        for index, entry in enumerate(fields.get("volumes", _NOTHING).entries):
            mount = self._mount(entry, f"{path}.volumes[{index}]")
            if mount is not None:
                yield mount
        for index, entry in enumerate(fields.get("tmpfs", _NOTHING).entries):
            try:
                target, options = tmpfs_target(str(entry.value))
            except ValueError as error:
                self._refuse(entry, f"{path}.tmpfs[{index}] {error}", "write /target or /target:size=64m,mode=1777")
            else:
                yield Mount(
                    type="tmpfs",
                    target=target,
                    tmpfs_size_bytes=options.size_bytes,
                    tmpfs_mode=options.mode,
                    read_only=options.read_only,
                    tmpfs_executable=options.executable,
                )

    def _mount(self, entry: Node, path: str) -> Mount | None:
        fields = entry.fields
        kind, target = fields["type"].value, _text(fields, "target")
        if not target.startswith("/"):
            self._refuse(entry, f"{path} has the target '{target}', which is no absolute path", "begin it with /")
            return None
        read_only = _flag(fields, "read_only")
        if kind == "bind":
            bind = fields.get("bind", _NOTHING).fields
            create = bind.get("create_host_path")
            propagation = bind.get("propagation")
            if propagation is not None and propagation.value not in ("", "private", "rprivate"):
                hint = "mounts are private to the container: delete the option"
                self._refuse(entry, f"{path}: the propagation '{propagation.value}' is not supported yet", hint)
            return Mount(
                type="bind",
                source=_text(fields, "source"),
                target=target,
                read_only=read_only,
                create_host_path=create is None or create.value is True,
            )
        if kind == "volume":
            no_copy = _flag(fields.get("volume", _NOTHING).fields, "nocopy")
            return Mount(
                type="volume", source=_text(fields, "source"), target=target, read_only=read_only, no_copy=no_copy
            )
        if kind == "tmpfs":
            options = fields.get("tmpfs", _NOTHING).fields
            return Mount(
                type="tmpfs",
                target=target,
                read_only=read_only,
                tmpfs_size_bytes=int(_text(options, "size") or 0),
                tmpfs_mode=int(_number(options, "mode") or 0o1777),
            )
        self._refuse(
            fields["type"], f"{path}: mounts of type {kind} are not supported yet", "use bind, volume or tmpfs"
        )
        return None

    def _limits(self, fields: Mapping[str, Node], path: str) -> dict[str, Any]:
        deploy = fields.get("deploy", _NOTHING).fields
        limits = deploy.get("resources", _NOTHING).fields.get("limits", _NOTHING).fields
        memory = self._either(
            fields, "mem_limit", limits, "memory", f"{path}: mem_limit", "deploy.resources.limits.memory"
        )
        cpus = self._either(fields, "cpus", limits, "cpus", f"{path}: cpus", "deploy.resources.limits.cpus")
        pids = self._either(fields, "pids_limit", limits, "pids", f"{path}: pids_limit", "deploy.resources.limits.pids")
        replicas = self._either(fields, "scale", deploy, "replicas", f"{path}: scale", "deploy.replicas")
        memory_bytes = int(str(memory.value)) if memory else 0
        return {
            "mem_limit_bytes": memory_bytes if memory_bytes > 0 else None,
            "cpus": float(str(cpus.value)) if cpus and cpus.value else None,
            "pids_limit": int(str(pids.value)) if pids and pids.value else None,
            "replicas": int(str(replicas.value)) if replicas else 1,
        }

    def _either(
        self, fields: Mapping[str, Node], key: str, others: Mapping[str, Node], other: str, said: str, other_said: str
    ) -> Node | None:
        """One of two keys that say the same; a problem when they differ."""
        one, two = fields.get(key), others.get(other)
        if one is not None and two is not None and one.value != two.value:
            self._refuse(one, f"{said} is {one.value}, but {other_said} is {two.value}", "keep one of the two")
        return two if one is None else one


def _text(fields: Mapping[str, Node], key: str) -> str:
    node = fields.get(key)
    if node is None or node.value is None:
        return ""
    return number_text(node.value) if isinstance(node.value, (int, float)) else str(node.value)


def _number(fields: Mapping[str, Node], key: str) -> float | None:
    node = fields.get(key)
    return node.value if node is not None and isinstance(node.value, (int, float)) else None


def _flag(fields: Mapping[str, Node], key: str) -> bool:
    node = fields.get(key)
    return node is not None and node.value is True


def _words(node: Node | None) -> tuple[str, ...] | None:
    if node is None or node.value is None:
        return None
    return tuple(str(entry.value) for entry in node.entries)


def _texts(node: Node | None) -> dict[str, str]:
    if node is None:
        return {}
    return {name: str(child.value) for name, child in node.fields.items() if child.value is not None}


def _seconds(fields: Mapping[str, Node], key: str) -> float | None:
    text = _text(fields, key)
    return duration_nanoseconds(text) / 1e9 if text else None


def _build(fields: Mapping[str, Node]) -> Build:
    return Build(
        context=_text(fields, "context"),
        dockerfile=_text(fields, "dockerfile"),
        args=dict(_texts(fields.get("args"))),
        target=_text(fields, "target"),
    )


def _link(text: str) -> tuple[str, str]:
    service, _, alias = text.partition(":")
    return alias or service, service


def _service_networks(node: Node) -> Iterable[ServiceNetwork]:
    for name, details in node.fields.items():
        yield ServiceNetwork(
            network=name,
            aliases=_words(details.fields.get("aliases")) or (),
            ipv4_address=_text(details.fields, "ipv4_address"),
        )


def _dependencies(node: Node) -> Iterable[Dependency]:
    for name, details in node.fields.items():
        condition: Any = details.fields["condition"].value
        required = details.fields.get("required")
        yield Dependency(
            service=name,
            condition=condition,
            required=required is None or required.value is True,
            restart=_flag(details.fields, "restart"),
        )


def _healthcheck(fields: Mapping[str, Node]) -> Healthcheck:
    retries = _number(fields, "retries")
    return Healthcheck(
        test=_words(fields.get("test")) or (),
        interval_seconds=_seconds(fields, "interval"),
        timeout_seconds=_seconds(fields, "timeout"),
        start_period_seconds=_seconds(fields, "start_period"),
        retries=None if retries is None else int(retries),
        disable=_flag(fields, "disable"),
    )
