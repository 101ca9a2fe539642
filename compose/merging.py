"""Lays one canonical document over another, by the specification's rules for each path ("Merge", "Reset value")."""

from collections.abc import Callable, Hashable

from compose.nodes import Node

_Key = Callable[[Node], Hashable]


def _field(*names: str) -> _Key:
    return lambda node: tuple(child.value if (child := node.fields.get(name)) else "" for name in names)


_REPLACED = frozenset(
    (
        ("services", "*", "command"),
        ("services", "*", "entrypoint"),
        ("services", "*", "healthcheck", "test"),
    )
)
_KEYS: dict[tuple[str, ...], _Key] = {
    ("services", "*", "ports"): _field("host_ip", "target", "published", "protocol"),
    ("services", "*", "volumes"): _field("target"),
    ("services", "*", "env_file"): _field("path"),
    ("services", "*", "devices"): _field("target"),
    ("services", "*", "secrets"): _field("target", "source"),
    ("services", "*", "configs"): _field("target", "source"),
    ("networks", "*", "ipam", "config"): _field("subnet"),
}
_FREE = frozenset(("services", "networks", "volumes", "secrets", "configs", "models"))


def merged(base: Node, over: Node) -> Node:
    """The document `base` with `over` laid over it, without any tags."""
    return settled(_merged(base, over, ()) or over._replace(value={}))


def settled(node: Node) -> Node:
    """A document as it counts when nothing follows: what !reset marks is gone, !override is a mark no more."""
    value = node.value
    if isinstance(value, dict):
        value = {key: settled(child) for key, child in value.items() if child.tag != "!reset"}
    elif type(value) is tuple:
        value = tuple(settled(child) for child in value if child.tag != "!reset")
    elif not node.tag:
        return node
    return Node(value, node.place, node.key)


def _merged(base: Node, over: Node, path: tuple[str, ...]) -> Node | None:
    if over.tag == "!reset":
        return None
    if over.tag == "!override" or base.tag == "!reset":
        return over
    if isinstance(base.value, dict):
        return base if over.value is None else _mapping(base, over, path) if isinstance(over.value, dict) else over
    if type(base.value) is tuple and path not in _REPLACED:
        return base if over.value is None else _list(base, over, path)
    return over


def _mapping(base: Node, over: Node, path: tuple[str, ...]) -> Node:
    fields = dict(base.fields)
    for key, child in over.fields.items():
        below = (*path, "*" if len(path) == 1 and path[0] in _FREE else key)
        mine = fields.get(key)
        result = child if mine is None and child.tag != "!reset" else mine and _merged(mine, child, below)
        if result is None:
            fields.pop(key, None)
        else:
            fields[key] = result
    return over._replace(value=fields)


def _list(base: Node, over: Node, path: tuple[str, ...]) -> Node:
    key = _KEYS.get(path, _itself)
    entries = {key(entry): entry for entry in (*base.entries, *over.entries)}
    return over._replace(value=tuple(entries.values()))


def _itself(node: Node) -> Hashable:
    return id(node) if isinstance(node.value, (dict, tuple)) else node.value
