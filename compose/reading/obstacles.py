"""Finds what a merged document asks for that windlass cannot serve yet."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from compose import codes
from compose.errors import Problem
from compose.nodes import Node
from compose.places import Place

OBSTACLES = frozenset((codes.NOT_YET, codes.NO_START, codes.WRONG_SYSCTL))
"""The codes of what `config` shows, and what keeps a stack from starting."""


def obstacles(document: Node, later: AbstractSet[Place], disabled: AbstractSet[str]) -> Iterator[Problem]:
    """A problem for each key that stands at one of the places `later`, but for those of disabled services.

    Places are asked, not paths, because merging, resetting and inheriting move values after their shape was read.
    """
    for name, node in document.fields.items():
        if name == "services":
            for service, details in node.fields.items():
                if service not in disabled:
                    yield from _found(details, f"services.{service}", later)
        elif name != "models" and not name.startswith("x-"):  # a service that wants a model says so itself
            yield from _found(node, name, later)


def _found(node: Node, path: str, later: AbstractSet[Place]) -> Iterator[Problem]:
    if node.key in later:
        key = path.rpartition(".")[2]
        hint = f"delete '{key}' for now, or name it x-{key} to keep it as a note"
        yield Problem(node.key or node.place, f"{path} is not supported yet", hint, codes.NOT_YET)
        return
    for key, child in node.fields.items():
        yield from _found(child, f"{path}.{key}", later)
    for index, child in enumerate(node.entries):
        yield from _found(child, f"{path}[{index}]", later)
