"""Keeps a plan in a file, so that `up` may carry out exactly what somebody has read."""

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec

from compose.deciding.options import Options
from compose.deciding.steps import CreateContainer, Plan
from compose.errors import StackError, UsageError
from compose.showing.plan_text import plan_json

FORMAT = 1
_MOST_TOLD = 3


class PlanFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was planned, with what options. `plan` is for people; `digest` covers all of it, secrets included."""

    windlass_plan: int
    stack: str
    directory: str
    build: bool
    options: Options
    digest: str
    plan: dict[str, Any]


def write_plan(path: Path, decided: Plan, directory: str, options: Options, *, build: bool) -> None:
    """Writes a plan for its owner's eyes only; UsageError when that cannot be."""
    kept = PlanFile(
        windlass_plan=FORMAT,
        stack=decided.stack,
        directory=directory,
        build=build,
        options=options,
        digest=_digest(decided),
        plan=_anonymised(decided),
    )
    content = msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"cannot write the plan to {path}: {error.strerror}", hint="name a file that can be") from None


def read_plan(path: Path) -> PlanFile:
    """The plan in a file; UsageError when there is none."""
    hint = "windlass plan --out FILE writes one"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=PlanFile)
    except OSError as error:
        raise UsageError(f"cannot read the plan {path}: {error.strerror}", hint=hint) from None
    except msgspec.MsgspecError:
        raise UsageError(f"{path} is no plan of this version of windlass", hint=hint) from None
    if found.windlass_plan != FORMAT:
        raise UsageError(f"{path} is a plan of another version of windlass", hint=hint)
    return found


def require_unchanged(kept: PlanFile, now: Plan, directory: str) -> None:
    """Raises StackError, with what differs, unless the plan that was kept is what would be decided now."""
    if (kept.stack, kept.directory) != (now.stack, directory):
        raise StackError(
            f"the plan is for stack {kept.stack} of {kept.directory}, not for {now.stack} of {directory}",
            hint="go there, or make a plan here: windlass plan --out FILE",
        )
    if kept.digest != _digest(now):
        raise StackError(
            f"the plan does not hold any more: {_difference(kept.plan, _anonymised(now))}",
            hint="look at the new one: windlass plan --out FILE",
        )


def _difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    """The steps that have come and gone, or changed, in a few words."""
    old = {step["key"]: step["cause"] for step in before["steps"]}
    new = {step["key"]: step["cause"] for step in after["steps"]}
    told = [f"no longer: {key}" for key in old if key not in new]
    told += [f"now: {key} ({cause})" for key, cause in new.items() if key not in old]
    told += [f"{key} for another reason ({cause})" for key, cause in new.items() if old.get(key, cause) != cause]
    more = f" and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    return "; ".join(told[:_MOST_TOLD]) + more if told else "what its containers are made of has changed"


def _anonymised(plan: Plan) -> dict[str, Any]:
    """The plan as plain values, in which the ids of containers to come, drawn by lot, are their names."""
    values: dict[str, Any] = msgspec.json.decode(_without_ids(plan, msgspec.json.encode(plan_json(plan))))
    return values


def _digest(plan: Plan) -> str:
    return hashlib.sha256(_without_ids(plan, msgspec.json.encode(plan, order="deterministic"))).hexdigest()


def _without_ids(plan: Plan, text: bytes) -> bytes:
    for step in plan.steps:
        if isinstance(step.action, CreateContainer):
            spec = step.action.spec
            label = f"{spec.service}:{spec.number}".encode()
            text = text.replace(spec.id.encode(), b"id:" + label).replace(spec.id[:12].encode(), b"short:" + label)
    return text
