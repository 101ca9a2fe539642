"""Writes a stack the way `config` prints it: Compose's own canonical form, ready to be read again."""

from collections.abc import Mapping
from typing import Any

from compose.model import Stack
from compose.nodes import Node, Timestamp

# What Compose prints even when it is zero or false; everything else is left out then.
_KEPT = frozenset(("scale", "replicas", "retries", "required", "init", "ipv4", "soft", "hard"))
_FREE = frozenset(("environment", "labels", "args", "annotations", "options", "driver_opts", "sysctls", "extra_hosts"))
_RESOURCES = ("networks", "volumes", "secrets", "configs", "models")


def canonical(stack: Stack) -> dict[str, Any]:
    """What `config` prints, as JSON values: enabled services and what they use, `$` written `$$`."""
    assert stack.document is not None  # noqa: S101 - every stack that was read has its document
    fields = stack.document.fields
    result: dict[str, Any] = {"name": stack.name}
    services = fields["services"].fields
    result["services"] = {name: _service(services[name], stack) for name in stack.services}
    used: Mapping[str, Mapping[str, Any]] = {"networks": stack.networks, "volumes": stack.volumes}
    for kind in _RESOURCES:
        entries = fields[kind].fields if kind in fields else {}
        chosen = {key: _fields(node) for key, node in entries.items() if key in used.get(kind, entries)}
        if kind == "networks":
            chosen = {key: {"ipam": {}, **network} for key, network in chosen.items()}
        if chosen:
            result[kind] = chosen
    result.update({key: _plain(node) for key, node in fields.items() if key.startswith("x-")})
    return result


def _service(node: Node, stack: Stack) -> dict[str, Any]:
    known = stack.services
    service = {"command": None, "entrypoint": None, **_fields(node)}
    depends_on = {
        name: details for name, details in service.get("depends_on", {}).items() if name in known or details["required"]
    }
    service.pop("env_file", None)
    service.pop("depends_on", None)
    return {**service, "depends_on": depends_on} if depends_on else service


def _fields(node: Node) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, child in node.fields.items():
        value = child.value
        if key.startswith("x-"):
            result[key] = _plain(child)
        elif key in _FREE or (key == "networks" and isinstance(value, dict)):
            if value:
                result[key] = _plain(child) if key in _FREE else _networks(child)
        elif isinstance(value, dict):
            result[key] = _fields(child)
        elif isinstance(value, tuple):
            if value or key in ("command", "entrypoint"):
                result[key] = [_fields(each) if isinstance(each.value, dict) else _scalar(each) for each in value]
        elif (
            (value and (key, value) != ("size", "0"))
            or key in _KEPT
            or (value is None and key in ("command", "entrypoint"))
        ):
            result[key] = _scalar(child)
    return result


def _networks(node: Node) -> dict[str, Any]:
    return {name: None if child.value is None else _fields(child) for name, child in node.fields.items()}


def _plain(node: Node) -> Any:
    value = node.value
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in value.items()}
    if type(value) is tuple:
        return [_plain(child) for child in value]
    return _scalar(node)


def _scalar(node: Node) -> Any:
    value = node.value
    if isinstance(value, Timestamp):
        return value.text
    return value.replace("$", "$$") if isinstance(value, str) else value
