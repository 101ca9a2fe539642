"""A plan as people and programs read it."""

from collections import Counter
from typing import Any

from compose.deciding.steps import Await, CreateContainer, CreateVolume, Plan, RemoveVolume, described
from compose.naming import is_anonymous_volume_name

LONGEST_NAME = 64


def plan_text(plan: Plan) -> str:
    """One line a step: verb, kind, name, cause; then a summary. Ends with a newline."""
    if not plan.steps:
        return f"Stack {plan.stack} is as its file asks: nothing to do.\n"
    rows = []
    for step in plan.steps:
        verb, kind, name = described(step.action)
        cause = step.cause
        if isinstance(step.action, CreateVolume | RemoveVolume) and is_anonymous_volume_name(name):
            name = name[:12]
        if isinstance(step.action, Await):
            verb = f"wait ({step.action.condition})"
        rows.append((verb, kind, name, cause))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  " + "  ".join((*(word.ljust(width) for word, width in zip(row, widths, strict=False)), row[3]))
        for row in rows
    ]
    return f"Stack {plan.stack}:\n" + "\n".join(lines) + f"\n{_summary(plan)}\n"


def _summary(plan: Plan) -> str:
    counts = Counter(described(step.action)[:2] for step in plan.steps)
    words = [
        f"{count} {kind}{'s' if count > 1 else ''} to {verb}"
        for (verb, kind), count in counts.items()
        if verb != "wait"
    ]
    kept = f", {len(plan.unchanged)} unchanged" if plan.unchanged else ""
    over = f", {len(plan.finished)} finished" if plan.finished else ""
    return f"{', '.join(words) or 'nothing to change'}{kept}{over}."


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain values: `steps` with key, verb, kind, name, id, cause, needs and after."""
    return {
        "stack": plan.stack,
        "steps": [
            {
                "key": step.key,
                "verb": described(step.action)[0],
                "kind": described(step.action)[1],
                "name": described(step.action)[2],
                "cause": step.cause,
                "needs": list(step.needs),
                "after": list(step.after),
                **_details(step.action),
            }
            for step in plan.steps
        ],
        "unchanged": list(plan.unchanged),
        "finished": list(plan.finished),
        "warnings": list(plan.warnings),
    }


def _details(action: object) -> dict[str, Any]:
    match action:
        case Await():
            return {"condition": action.condition}
        case CreateContainer():
            spec = action.spec
            return {"service": spec.service, "image": spec.image_name, "config_hash": spec.config_hash}
        case _:
            return {}
