"""Decodes what a service's programs may take of the machine."""

from collections.abc import Mapping
from typing import Any

from compose import codes
from compose.nodes import Node
from compose.refusal import Refuse
from compose.values import NOTHING


def resources(fields: Mapping[str, Node], path: str, refuse: Refuse) -> dict[str, Any]:
    """The service's limits and replicas, by the model's names."""
    deploy = fields.get("deploy", NOTHING).fields
    limits = deploy.get("resources", NOTHING).fields.get("limits", NOTHING).fields
    both = _Pairs(refuse)
    memory = both.either(
        fields.get("mem_limit"), limits.get("memory"), f"{path}: mem_limit", "deploy.resources.limits.memory"
    )
    cpus = both.either(fields.get("cpus"), limits.get("cpus"), f"{path}: cpus", "deploy.resources.limits.cpus")
    pids = both.either(
        fields.get("pids_limit"), limits.get("pids"), f"{path}: pids_limit", "deploy.resources.limits.pids"
    )
    replicas = both.either(fields.get("scale"), deploy.get("replicas"), f"{path}: scale", "deploy.replicas")
    memory_bytes = int(str(memory.value)) if memory else 0
    return {
        "mem_limit_bytes": memory_bytes if memory_bytes > 0 else None,
        "cpus": float(str(cpus.value)) if cpus and cpus.value else None,
        "pids_limit": int(str(pids.value)) if pids and pids.value else None,
        "replicas": int(str(replicas.value)) if replicas else 1,
    }


class _Pairs:
    """Pairs of keys that say the same; a problem when they differ."""

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse

    def either(self, one: Node | None, two: Node | None, said: str, other_said: str) -> Node | None:
        """The one of the two that is there."""
        if one is not None and two is not None and one.value != two.value:
            self._refuse(
                one,
                f"{said} is {one.value}, but {other_said} is {two.value}",
                "keep one of the two",
                codes.CONTRADICTION,
            )
        return two if one is None else one
