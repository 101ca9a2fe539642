"""Writes a stack the way `config` prints it: Compose's own canonical form, ready to be read again."""

from typing import Any

from compose.model import Stack
from compose.nodes import Node, Timestamp

# What is printed even when it is zero or false: Compose tells these apart from a key that is not there.
_KEPT_WHEN_ZERO = frozenset(("attach", "init", "replicas", "required", "retries", "scale"))
# Mappings with names of the user's own: nothing in them is left out.
_FREE = frozenset(("annotations", "args", "driver_opts", "environment", "labels", "options", "sysctls"))
_COMMANDS = frozenset(("command", "entrypoint"))
_BLANK = frozenset(("deploy", "develop", "pid"))  # empty is as good as not there


def canonical(stack: Stack, *, as_json: bool = False) -> dict[str, Any]:
    """What `config` prints: enabled services and what they use, keys in order, `$` written `$$`.

    Compose's JSON differs from its YAML: it has no extensions (x-) below the top level, null for commands that are
    the image's, and some empty mappings.
    """
    assert stack.document is not None  # noqa: S101 - every stack that was read has its document
    return _Printing(stack, as_json=as_json).whole(stack.document)


class _Printing:
    """One stack on its way to plain values."""

    def __init__(self, stack: Stack, *, as_json: bool) -> None:
        self._stack = stack
        self._as_json = as_json

    def whole(self, document: Node) -> dict[str, Any]:
        fields = document.fields
        services = {name: self._service(fields["services"].fields[name]) for name in sorted(self._stack.services)}
        result: dict[str, Any] = {"name": self._stack.name, "services": services}
        for kind, used in self._used(services).items():
            entries = fields[kind].fields if kind in fields else {}
            chosen = {key: self._record(node) for key, node in sorted(entries.items()) if key in used}
            if chosen:
                result[kind] = chosen
        if self._as_json:
            for network in result.get("networks", {}).values():
                network.setdefault("ipam", {})
        return {**result, **{key: _plain(node) for key, node in fields.items() if key.startswith("x-")}}

    def _used(self, services: dict[str, Any]) -> dict[str, set[str]]:
        """The resources that the services use, by kind: Compose prints no others."""
        owners = [*services.values(), *(service["build"] for service in services.values() if "build" in service)]
        used = {
            kind: {grant.get("source") for owner in owners for grant in owner.get(kind, ())}
            for kind in ("secrets", "configs")
        }
        return {"networks": {*self._stack.networks}, "volumes": {*self._stack.volumes}, **used}

    def _service(self, node: Node) -> dict[str, Any]:
        service = self._record(node)
        if self._as_json:
            service = {**dict.fromkeys(_COMMANDS), **service}
        service.pop("env_file", None)
        known = self._stack.services
        depends_on = service.pop("depends_on", {})
        needed = {name: details for name, details in depends_on.items() if name in known or details["required"]}
        if self._as_json and "deploy" in service:
            service["deploy"] = {"resources": {}, "placement": {}, **service["deploy"]}
        if needed:
            service["depends_on"] = needed
        return dict(sorted(service.items()))

    def _record(self, node: Node) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, child in node.fields.items():
            value = child.value
            if key.startswith("x-"):
                if not self._as_json:
                    result[key] = _plain(child)
            elif isinstance(value, dict):
                if value or key not in _FREE:
                    result[key] = _plain(child) if key in _FREE else self._record(child)
            elif isinstance(value, tuple):
                if value or key in _COMMANDS:
                    result[key] = [self._entry(entry) for entry in value]
            elif (
                value
                or key in _KEPT_WHEN_ZERO
                or (value is None and key not in _BLANK and (self._as_json or key not in _COMMANDS))
            ):
                result[key] = _scalar(child)
        if result.get("size") == "0":
            del result["size"]
        return result

    def _entry(self, node: Node) -> Any:
        return self._record(node) if isinstance(node.value, dict) else _plain(node)


def _plain(node: Node) -> Any:
    value = node.value
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in sorted(value.items())}
    if type(value) is tuple:
        return [_plain(child) for child in value]
    return _scalar(node)


def _scalar(node: Node) -> Any:
    value = node.value
    if isinstance(value, Timestamp):
        return value.text
    return value.replace("$", "$$") if isinstance(value, str) else value
