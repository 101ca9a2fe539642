"""What a build step depends on: its key in the cache, and why it has to be done again."""

import hashlib
from typing import Literal

import msgspec

_NAMED = 3


class StepInputs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that decides a step's result. The same inputs give the same layer; nothing else matters.

    `command` is the instruction with its variables replaced; `layers` are what it works on, base first.
    `content` maps copied paths to digests, or mounts to what is mounted; `environment` is what a command sees, of which
    `arguments` are build arguments. `sandbox` is how the command is kept apart, `epoch` what its files are not newer
    than.
    """

    kind: Literal["run", "copy", "workdir"]
    command: tuple[str, ...]
    layers: tuple[str, ...]
    environment: dict[str, str] = {}
    arguments: tuple[str, ...] = ()
    working_directory: str = "/"
    user: str = ""
    content: dict[str, str] = {}
    sandbox: tuple[str, ...] = ()
    epoch: int | None = None


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a step: a layer, or nothing (empty) when it changed no file; and when."""

    layer: str
    created_ns: int


def key_of(inputs: StepInputs) -> str:
    """The step's name in the cache."""
    return hashlib.sha256(msgspec.json.encode(inputs, order="sorted")).hexdigest()


def cause(previous: StepInputs | None, wanted: StepInputs) -> str:
    """Why a step is not the one that was done before, in a few words."""
    if previous is None:
        return "first time"
    if previous.kind != wanted.kind or previous.command != wanted.command:
        return "the instruction changed"
    if previous.content != wanted.content:
        return _difference(previous.content, wanted.content)
    if previous.environment != wanted.environment:
        return _difference_of_variables(previous, wanted)
    for what, was, now in (
        ("the working directory", previous.working_directory, wanted.working_directory),
        ("the user", previous.user or "root", wanted.user or "root"),
        ("SOURCE_DATE_EPOCH", previous.epoch, wanted.epoch),
    ):
        if was != now:
            return f"{what} changed: {was} -> {now}"
    if previous.sandbox != wanted.sandbox:
        return "how commands are kept apart changed"
    if previous.layers != wanted.layers:
        return "what it builds on changed"
    return "its result is not kept any more"


def _difference_of_variables(previous: StepInputs, wanted: StepInputs) -> str:
    names = _differing(previous.environment, wanted.environment)
    told = [f"argument {name}" if name in {*previous.arguments, *wanted.arguments} else name for name in names]
    return _listed(told) + " changed"


def _difference(previous: dict[str, str], wanted: dict[str, str]) -> str:
    """Which files are others: those that changed, came and went."""
    names = _differing(previous, wanted)
    parts = []
    for word, some in (
        ("changed", [name for name in names if name in previous and name in wanted]),
        ("is new", [name for name in names if name not in previous]),
        ("is gone", [name for name in names if name not in wanted]),
    ):
        if some:
            parts.append(f"{_listed(some)} {word if len(some) == 1 else word.replace('is', 'are')}")
    return ", ".join(parts)


def _differing(previous: dict[str, str], wanted: dict[str, str]) -> list[str]:
    return sorted(name for name in previous.keys() | wanted.keys() if previous.get(name) != wanted.get(name))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
