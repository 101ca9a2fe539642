"""What a build step depends on: its key in the cache, and why it has to be done again."""

import hashlib
from typing import Literal

import msgspec

_NAMED = 3


class StepInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides a step's result. The same inputs give the same layer; nothing else matters.

    `command` is the instruction with its variables replaced; `layers` are what it works on, base first.
    `content` maps copied paths to digests; `environment` is what a command sees.
    """

    kind: Literal["run", "copy", "workdir"]
    command: tuple[str, ...]
    layers: tuple[str, ...]
    environment: dict[str, str] = {}
    working_directory: str = "/"
    user: str = ""
    content: dict[str, str] = {}


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
        return "new step"
    if previous.kind != wanted.kind or previous.command != wanted.command:
        return "the instruction changed"
    if previous.content != wanted.content:
        return f"files changed: {_differing(previous.content, wanted.content)}"
    if previous.environment != wanted.environment:
        return f"variables changed: {_differing(previous.environment, wanted.environment)}"
    if previous.working_directory != wanted.working_directory:
        return f"the working directory changed: {previous.working_directory} -> {wanted.working_directory}"
    if previous.user != wanted.user:
        return f"the user changed: {previous.user or 'root'} -> {wanted.user or 'root'}"
    if previous.layers != wanted.layers:
        return "what it builds on changed"
    return "its result is not kept any more"


def _differing(previous: dict[str, str], wanted: dict[str, str]) -> str:
    names = sorted(name for name in previous.keys() | wanted.keys() if previous.get(name) != wanted.get(name))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
