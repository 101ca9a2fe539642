"""Writes a stack the way `config` prints it: Compose's own canonical form, ready to be read again."""

from collections.abc import Iterable
from typing import Any

from compose.model import Stack
from compose.nodes import Node, Timestamp, number_text
from compose.printing.key_order import ORDER, RESOURCES, SERVICE
from compose.printing.yamltext import in_order

# What is printed even when it is zero or false: Compose tells these apart from a key that is not there.
_KEPT_WHEN_ZERO = frozenset(
    ("attach", "init", "max_attempts", "parallelism", "replicas", "required", "retries", "scale")
)
# Mappings with names of the user's own: nothing in them is left out, but they are when they are empty.
_FREE = frozenset(
    ("additional_contexts", "annotations", "args", "aux_addresses", "driver_opts", "environment", "labels")
)
_FREE |= {"models", "options", "ssh", "storage_opt", "sysctls", "ulimits"}
_SIZES = frozenset(("mem_limit", "mem_reservation", "mem_swappiness", "memory", "memswap_limit", "shm_size", "size"))
_COMMANDS = frozenset(("command", "entrypoint"))
_BLANK = frozenset(("deploy", "develop", "pid"))  # empty is as good as not there
_MERGED = ("env_file", "label_file")  # what they hold stands in the environment and the labels
_CAPITALS = frozenset(
    ("weight_device", "device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops")
)  # Compose's JSON writes the keys of these with capital letters


def canonical(stack: Stack, *, as_json: bool = False) -> dict[str, Any]:
    """What `config` prints: enabled services and what they use, keys in order, `$` written `$$`.

    Compose's JSON differs from its YAML: it has no extensions (x-) below the top level, null for commands that are
    the image's, and some empty mappings.
    """
    assert stack.document is not None  # noqa: S101 - every stack that was read has its document
    return _Printing(stack, as_json=as_json).whole(stack.document)


def service_values(stack: Stack, service_name: str) -> dict[str, Any]:
    """One service as Compose's JSON has it, with every `$` as it is."""
    assert stack.document is not None  # noqa: S101 - likewise
    node = stack.document.fields["services"].fields[service_name]
    return _Printing(stack, as_json=True, dollar="$").service(node)


def as_written(document: Node) -> dict[str, Any]:
    """A document whose variables are still names: keys in the order of the alphabet, nothing left out or escaped."""
    printing = _Printing(None, as_json=False, dollar="$")
    return {key: printing.plain(document.fields[key]) for key in in_order(document.fields)}


class _Printing:
    """One document on its way to plain values."""

    def __init__(self, stack: Stack | None, *, as_json: bool, dollar: str = "$$") -> None:
        self._stack = stack
        self._as_json = as_json
        self._dollar = dollar

    def whole(self, document: Node) -> dict[str, Any]:
        assert self._stack is not None  # noqa: S101 - only documents of stacks are printed whole
        fields = document.fields
        names = self._names(self._stack.services)
        services = {name: self.service(fields["services"].fields[name]) for name in names}
        result: dict[str, Any] = {"name": self._stack.name, "services": services}
        used = self._used(self._stack, services)
        for kind in RESOURCES[:-1] if self._as_json else RESOURCES:  # Compose's JSON leaves models out
            entries = fields[kind].fields if kind in fields else {}
            order = ORDER[f"{kind}.*"]
            chosen = {key: self._record(entries[key], order) for key in self._names(entries) if key in used[kind]}
            if chosen:
                result[kind] = chosen
        for network in result.get("networks", {}).values() if self._as_json else ():
            network.setdefault("ipam", {})
            _in_place(network, ORDER["networks.*"])
        extensions = {key: self.plain(fields[key]) for key in self._names(fields) if key.startswith("x-")}
        result.update(extensions)
        return dict(sorted(result.items())) if self._as_json else result

    def service(self, node: Node) -> dict[str, Any]:
        assert self._stack is not None  # noqa: S101 - likewise
        service = self._record(node, SERVICE)
        for key in _MERGED:
            service.pop(key, None)
        known = {*self._stack.services, *self._stack.disabled}
        depends_on = service.get("depends_on", {})
        for name in [name for name, details in depends_on.items() if name not in known and not details["required"]]:
            del depends_on[name]
        if not depends_on:
            service.pop("depends_on", None)
        if "scale" in service and "deploy" in service:
            service["deploy"].setdefault("replicas", service["scale"])
            _in_place(service["deploy"], ORDER["deploy"])
        if self._as_json:
            service = {**dict.fromkeys(_COMMANDS), **service}
            _in_place(service, SERVICE)
            if "deploy" in service:
                service["deploy"] = {"resources": {}, "placement": {}, **service["deploy"]}
                _in_place(service["deploy"], ORDER["deploy"])
        return service

    def _used(self, stack: Stack, services: dict[str, Any]) -> dict[str, set[str]]:
        """The resources that the services use, by kind: Compose prints no others."""
        owners = [*services.values(), *(service["build"] for service in services.values() if "build" in service)]
        used = {
            kind: {grant.get("source") for owner in owners for grant in owner.get(kind, ())}
            for kind in ("secrets", "configs")
        }
        networks = {name for service in services.values() for name in service.get("networks", ())}
        mounts = [mount for service in services.values() for mount in service.get("volumes", ())]
        volumes = {mount.get("source") for mount in mounts if mount.get("type") == "volume"}
        models = {name for service in services.values() for name in service.get("models", ())}
        return {
            "networks": networks.union(stack.networks),
            "volumes": volumes.union(stack.volumes),
            "models": models,
            **used,
        }

    def _record(self, node: Node, order: tuple[str, ...]) -> dict[str, Any]:
        """A mapping whose keys are the specification's, and the user's own that begin with x-."""
        fields = node.fields
        result = {key: self._value(fields[key], key) for key in order if key in fields and self._says(fields[key], key)}
        if not self._as_json:
            for key in sorted(key for key in fields if key.startswith("x-")):
                result[key] = self.plain(fields[key])
        return result

    def _says(self, node: Node, key: str) -> bool:
        """Whether a value says more than its key's absence would."""
        value = node.value
        if isinstance(value, dict):
            return bool(value) or key not in _FREE
        if type(value) is tuple:
            return bool(value) or key in _COMMANDS
        if value is None:
            return key not in _BLANK and (self._as_json or key not in _COMMANDS)
        return (bool(value) and not (value == "0" and key in _SIZES)) or key in _KEPT_WHEN_ZERO

    def _value(self, node: Node, key: str) -> Any:
        if key == "ssh":
            return [name if it.value is None else f"{name}={it.value}" for name, it in node.fields.items()]
        if isinstance(node.value, dict):
            return self._mapping(node, key)
        return self._list(node, key) if type(node.value) is tuple else self._scalar(node)

    def _mapping(self, node: Node, key: str) -> dict[str, Any]:
        fields = node.fields
        if key == "ulimits":
            return {name: self._limit(fields[name]) for name in self._names(fields)}
        each = ORDER.get(f"{key}.*")
        if each is not None and not (key in ORDER and {*fields} <= {*ORDER[key]}):
            return {name: self._entry(fields[name], each) for name in self._names(fields)}
        order = ORDER.get(key)
        if key == "provider" and "options" in fields:
            options = fields["options"].fields
            texts = {name: self._texts(options[name]) for name in self._names(options)}
            return {**self._record(node, ("type",)), **({"options": texts} if texts else {})}
        if order is not None:
            return self._record(node, order)
        return {name: self.plain(fields[name]) for name in self._names(fields)}

    def _limit(self, node: Node) -> Any:
        """One of ulimits: Compose's YAML tells zero as a pair, its JSON does not tell it at all."""
        pair = {name: child.value for name, child in node.fields.items() if name in ("soft", "hard")}
        if not pair and node.value:
            return self.plain(node)
        return {name: pair.get(name, 0) for name in ("soft", "hard") if not self._as_json or pair.get(name)}

    def _list(self, node: Node, key: str) -> list[Any]:
        entries = [self._entry(entry, ORDER.get(key, ())) for entry in node.entries]
        if self._as_json and key == "watch":
            entries = [{"exec": {"command": None}, **entry} for entry in entries]
            for entry in entries:
                _in_place(entry, ORDER[key])
        if self._as_json and key in _CAPITALS:
            return [{name.capitalize(): value for name, value in entry.items()} for entry in entries]
        return entries

    def _entry(self, node: Node, order: tuple[str, ...]) -> Any:
        return self._record(node, order) if isinstance(node.value, dict) else self.plain(node)

    def _texts(self, node: Node) -> list[str]:
        """An option of a provider: always a list of texts."""
        entries = node.entries if type(node.value) is tuple else (node,)
        return [
            number_text(value) if isinstance(value := self.plain(entry), (bool, int, float)) else str(value)
            for entry in entries
        ]

    def plain(self, node: Node) -> Any:
        """A value of the user's own making."""
        value = node.value
        if isinstance(value, dict):
            return {key: self.plain(value[key]) for key in self._names(value)}
        if type(value) is tuple:
            return [self.plain(child) for child in value]
        return self._scalar(node)

    def _scalar(self, node: Node) -> Any:
        value = node.value
        if isinstance(value, Timestamp):
            return value.text
        if self._as_json and isinstance(value, float) and value.is_integer():
            return int(value)
        return value.replace("$", self._dollar) if isinstance(value, str) else value

    def _names(self, names: Iterable[str]) -> list[str]:
        """Names of the user's own in the order in which they are printed: the two formats differ."""
        return sorted(names) if self._as_json else in_order(names)


def _in_place(mapping: dict[str, Any], order: tuple[str, ...]) -> None:
    """Puts the keys of a mapping into their order."""
    for key in order:
        if key in mapping:
            mapping[key] = mapping.pop(key)
