"""Prepares a document that is to lie over another: what it leaves empty there is the other's to say."""

from collections.abc import Mapping

from compose.nodes import Node

# Lists and mappings of the user's own, in which a name without a value says something.
_TELLING = frozenset(
    ("additional_contexts", "annotations", "args", "environment", "extra_hosts", "labels", "ssh", "sysctls")
)
_EMPTIED = frozenset(("command", "entrypoint", "test"))  # nothing there takes away what was there
_NAMES = frozenset(("depends_on", "models", "networks"))  # of a service: a name alone says something there
# What a mapping must have, and need not say again over one that has it: by the key above it.
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "depends_on": ("condition",),
    "models": ("model",),
    "ulimits": ("soft", "hard"),
}


def prepared(over: Node, base: Node | None, *, above: str = "") -> Node:
    """The mapping `over`, as written, without the empty values that `base` has something for (any, without a base).

    `base` is in canonical form. What a mapping needs is added from it. `above` is the key of the mapping that holds
    this one.
    """
    fields: dict[str, Node] = {}
    for key, child in over.fields.items():
        below = base.fields.get(key) if base is not None else None
        if child.tag or key.startswith("x-") or key in _EMPTIED:
            fields[key] = child
        elif child.value is None:
            if base is not None and (below is None or below.value is None or below.tag):
                fields[key] = child
        elif isinstance(child.value, dict) and key not in _TELLING and _reaches(key, base, below):
            fields[key] = _prepared(child, below, above, key)
        else:
            fields[key] = child
    unchanged = len(fields) == len(over.fields) and all(fields[key] is child for key, child in over.fields.items())
    return over if unchanged else over.with_value(fields)


def _prepared(child: Node, below: Node | None, above: str, key: str) -> Node:
    result = prepared(child, below, above=key)
    missing = {
        name: below.fields[name]
        for name in _REQUIRED.get(above, ())
        if below is not None and name in below.fields and name not in result.fields
    }
    return result.with_value({**result.fields, **missing}) if missing else result


def _reaches(key: str, base: Node | None, below: Node | None) -> bool:
    """Whether what lies over one another here are mappings."""
    if base is None:
        return key not in _NAMES
    return below is not None and isinstance(below.value, dict) and not below.tag
