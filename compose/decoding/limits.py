"""Decodes limits of resources (ulimits)."""

from collections.abc import Iterator, Mapping

from compose import codes
from compose.decoding.findings import Findings
from compose.decoding.values import NOTHING
from compose.limits import Ulimit
from compose.nodes import Node
from compose.spelling import did_you_mean


def ulimits(fields: Mapping[str, Node], path: str, findings: Findings) -> Iterator[Ulimit]:
    """The limits among the fields at `path`, which no container can be started with if they make no sense."""
    limits = fields.get("ulimits", NOTHING).fields
    if not limits:
        return
    from engine.rlimits import NUMBERS  # noqa: PLC0415 - few services have limits of their own

    for name, node in limits.items():
        soft, hard = (int(str(child.value)) for child in _both(node))
        if name not in NUMBERS:
            hint = did_you_mean(name, NUMBERS) or f"the limits are {', '.join(NUMBERS)}"
            findings.hinder(node, f"{path}.ulimits: there is no limit '{name}'", hint, codes.WRONG_LIMIT)
        elif soft < -1 or hard < -1:
            message = f"{path}.ulimits.{name} is less than -1"
            findings.hinder(node, message, "-1 stands for no limit", codes.WRONG_LIMIT)
        elif hard != -1 and (soft > hard or soft == -1):
            message = f"{path}.ulimits.{name} has a soft limit above the hard one"
            findings.hinder(node, message, "raise 'hard', or lower 'soft'", codes.WRONG_LIMIT)
        else:
            yield Ulimit(name=name, soft=soft, hard=hard)


def _both(node: Node) -> tuple[Node, Node]:
    return (node.fields["soft"], node.fields["hard"]) if isinstance(node.value, dict) else (node, node)
