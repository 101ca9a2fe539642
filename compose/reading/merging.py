"""Lays one canonical document over another, by the specification's rules for each path ("Merge", "Reset value")."""

import operator
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
    ("services", "*", "deploy", "placement", "constraints"): id,
    **{("services", "*", "build", key): id for key in ("cache_from", "cache_to", "platforms", "entitlements")},
}
_LOGGING = ("services", "*", "logging")
_GPUS = ("services", "*", "gpus")
_FREE = frozenset(("services", "networks", "volumes", "secrets", "configs", "models"))


_SERVICE = ("services", "*")


def merged(base: Node, over: Node) -> Node:
    """The document `base` with `over` laid over it; marks may be left, see `settled`."""
    return _merged(base, over, ()) or over.with_value({})


def service_merged(base: Node | None, over: Node) -> Node:
    """The same for one service."""
    return over if base is None else _merged(base, over, _SERVICE) or over.with_value({})


def inherited(base: Node, over: Node) -> Node:
    """The service `base` with one that extends it laid over it; marks of `over` stay, for the files before."""
    return _merged(settled(base), over, _SERVICE, keep=True) or over.with_value({})


def laid_under(included: Node, local: Node, kinds: tuple[str, ...]) -> Node:
    """The document `local` laid over the resources of one that it includes; marks of `local` stay likewise."""
    fields = dict(local.fields)
    for kind in kinds:
        if kind in included.fields:
            base, over = included.fields[kind], fields.get(kind)
            both = base if over is None else _merged(base, over, (kind,), keep=True)
            fields[kind] = both or over or base
    return local.with_value(fields)


def settled(node: Node) -> Node:
    """A document as it counts when nothing follows: what !reset marks is gone, !override is a mark no more.

    It is the same node when there is no mark.
    """
    value = node.value
    if isinstance(value, dict):
        fields = {key: settled(child) for key, child in value.items() if child.tag != "!reset"}
        same = len(fields) == len(value) and all(map(operator.is_, fields.values(), value.values()))
        return node if same and not node.tag else Node(value if same else fields, node.place, node.key)
    if type(value) is tuple:
        entries = tuple(settled(child) for child in value if child.tag != "!reset")
        same = len(entries) == len(value) and all(map(operator.is_, entries, value))
        return node if same and not node.tag else Node(value if same else entries, node.place, node.key)
    return Node(value, node.place, node.key) if node.tag else node


def _merged(base: Node, over: Node, path: tuple[str, ...], *, keep: bool = False) -> Node | None:
    """None: nothing is left; with `keep` the mark that says so."""
    if over.tag == "!reset":
        return over if keep else None
    if over.tag == "!override" or base.tag == "!reset":
        return over
    if isinstance(base.value, dict):
        if over.value is None:
            return base
        if not isinstance(over.value, dict) or (path == _LOGGING and _differ(base, over, "driver")):
            return over
        return _mapping(base, over, path, keep=keep)
    if type(base.value) is tuple and path not in _REPLACED:
        if over.value is None or (path == _GPUS and (_asks_for_all(over) or (keep and _asks_for_all(base)))):
            return over if over.value is not None else base
        return _list(base, over, path)
    return over


def _mapping(base: Node, over: Node, path: tuple[str, ...], *, keep: bool) -> Node:
    fields = dict(base.fields)
    for key, child in over.fields.items():
        below = (*path, "*" if len(path) == 1 and path[0] in _FREE else key)
        mine = fields.get(key)
        result = (
            child
            if mine is None and (keep or child.tag != "!reset")
            else mine and _merged(mine, child, below, keep=keep)
        )
        if result is None:
            fields.pop(key, None)
        else:
            fields[key] = result
    return over.with_value(fields)


def _list(base: Node, over: Node, path: tuple[str, ...]) -> Node:
    key = _KEYS.get(path, _itself)
    entries = {key(entry): entry for entry in (*base.entries, *over.entries)}
    return over.with_value(tuple(entries.values()))


def _asks_for_all(gpus: Node) -> bool:
    """Whether this is what `gpus: all` stands for."""
    return (
        len(gpus.entries) == 1
        and gpus.entries[0].fields.keys() == {"count"}
        and _field("count")(gpus.entries[0]) == (-1,)
    )


def _differ(one: Node, two: Node, key: str) -> bool:
    """Whether both say something for a key, and not the same."""
    return key in one.fields and key in two.fields and one.fields[key].value != two.fields[key].value


def _itself(node: Node) -> Hashable:
    return id(node) if isinstance(node.value, (dict, tuple)) else node.value
