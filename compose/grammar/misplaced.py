"""Guesses where a key was meant to stand that is not known where it stands."""

from compose.grammar.service_keys import SERVICE
from compose.nodes import Node
from compose.spelling import did_you_mean

_PARTS = ("build", "healthcheck", "deploy", "logging", "develop")  # of a service, with keys of their own
_SECTIONS = ("networks", "volumes", "configs", "secrets")  # of a file, beside its services


def remedy(key: str, child: Node, path: str, known: frozenset[str]) -> str:
    """What to do about an unknown key below `path` (empty: the whole file) where `known` keys may stand."""
    parents = path.split(".") if path else []
    return (
        _moved_sections(parents, child)
        or did_you_mean(key, known)
        or (_below_services(key, child) if not parents else "")
        or (_below_part(key) if parents[:1] == ["services"] and len(parents) == 2 else "")
        or (_above(key) if parents[:1] == ["services"] and len(parents) > 2 else "")
        or "keys of your own begin with x-"
    )


def _moved_sections(parents: list[str], child: Node) -> str:
    """`volumes:` and its like, indented below `services:`."""
    if parents not in (["services", each] for each in _SECTIONS) or not (child.value is None or child.fields):
        return ""
    return f"if '{parents[1]}' is meant to be no service, move it to the left margin"


def _below_services(key: str, child: Node) -> str:
    if child.fields.keys() & {"image", "build"}:
        return f"looks like this belongs under services: indent '{key}:' and all below it"
    if key in SERVICE.keys:
        return f"'{key}' is a key of services: write it below a service's name"
    return ""


def _below_part(key: str) -> str:
    part = next((part for part in _PARTS if key in _keys(SERVICE.table[part])), "")
    return f"'{key}' is a key of {part}: write it below `{part}:`" if part else ""


def _above(key: str) -> str:
    return f"'{key}' is a key of the service itself: indent it less" if key in SERVICE.keys else ""


def _keys(shape: object) -> frozenset[str]:
    """The keys of the mapping that a shape wraps, whatever its short form, supported or not."""
    while not hasattr(shape, "keys"):
        inner = getattr(shape, "shape", None) or getattr(shape, "long", None)
        if inner is None:
            return frozenset()
        shape = inner
    return frozenset(shape.keys)
