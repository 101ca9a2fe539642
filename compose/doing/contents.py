"""What configs and secrets contain: gathered from where the file says, kept for the stack's containers."""

import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from compose import codes
from compose.deciding.steps import CreateContainer, Plan
from compose.decoding.grants import Kind
from compose.errors import FileError, Problem
from compose.model import Content, Grant, Service, Stack
from engine.contents import ContentStore, digest_of
from engine.layout import Layout, StackLayout
from engine.records import read_records
from engine.spec import ContainerSpec, FileMount

KINDS: tuple[Kind, ...] = ("configs", "secrets")
MOST_BYTES = 16 << 20
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


class Contents(NamedTuple):
    """The digests of configs and secrets by kind and key, and the contents by digest."""

    digests: Mapping[tuple[str, str], str]
    by_digest: Mapping[str, bytes]


def gather_contents(stack: Stack, services: Iterable[Service], layout: Layout) -> Contents:
    """The contents that the services get; raises FileError with every one that is not there."""
    digests: dict[tuple[str, str], str] = {}
    by_digest: dict[str, bytes] = {}
    problems: list[Problem] = []
    wanted = {(kind, grant.source) for service in services for kind in KINDS for grant in granted(service, kind)}
    for kind in KINDS:
        for key, described in (stack.configs if kind == "configs" else stack.secrets).items():
            if (kind, key) not in wanted:
                continue
            found = _content(stack, kind, described, layout)
            if isinstance(found, Problem):
                problems.append(found)
                continue
            digest = digests[kind, key] = digest_of(found)
            by_digest[digest] = found
    if problems:
        raise FileError(tuple(problems))
    return Contents(digests, by_digest)


def secret_contents(stack: Stack, keys: Iterable[str], layout: Layout) -> dict[str, bytes]:
    """The contents of some of the file's secrets, by their keys; raises FileError with every one that is not there."""
    found = {key: _content(stack, "secrets", stack.secrets[key], layout) for key in keys if key in stack.secrets}
    problems = tuple(content for content in found.values() if isinstance(content, Problem))
    if problems:
        raise FileError(problems)
    return {key: content for key, content in found.items() if isinstance(content, bytes)}


def granted(service: Service, kind: Kind) -> tuple[Grant, ...]:
    """The configs or the secrets of a service."""
    return service.configs if kind == "configs" else service.secrets


def keep_contents(place: StackLayout, plan: Plan, contents: Contents) -> None:
    """Keeps what the containers that a plan makes are to see, and what those see that there are; removes the rest.

    The caller holds the stack's command lock.
    """
    made = [step.action.spec for step in plan.steps if isinstance(step.action, CreateContainer)]
    store = ContentStore(place.contents)
    wanted = _digests(made)
    for digest in wanted & contents.by_digest.keys():  # those of earlier versions are kept already
        store.put(contents.by_digest[digest])
    if place.contents.exists():
        store.keep_only(wanted | _digests(record.spec for record in read_records(place)))


def forget_contents(place: StackLayout) -> None:
    """Removes the contents that no container of the stack sees any more. The caller holds the command lock."""
    if place.contents.exists():
        ContentStore(place.contents).keep_only(_digests(record.spec for record in read_records(place)))


def _digests(specs: Iterable[ContainerSpec]) -> set[str]:
    """The digests of contents, those of what containers were before included: it may be gone back to."""
    return {
        mount.digest
        for spec in specs
        for version in (spec, spec.previous)
        if version is not None
        for mount in version.mounts
        if isinstance(mount, FileMount)
    }


def _content(stack: Stack, kind: Kind, described: Content, layout: Layout) -> bytes | Problem:
    """One content, or why there is none."""
    what = f"{kind}.{described.key}"
    if described.content is not None:
        return described.content.encode()
    if described.environment:
        if described.value is None:
            hint = "set it in the shell or in .env"
            message = f"{what}: the variable {described.environment} is not set"
            return Problem(stack.place(kind, described.key, "environment"), message, hint, codes.CONTENT_MISSING)
        return described.value.encode()
    if described.external:
        return _external(stack, kind, described, layout)
    try:
        return _read(Path(described.file))
    except (OSError, ValueError) as error:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {_reason(error)}"
        place = stack.place(kind, described.key, "file")
        return Problem(
            place,
            f"{what}: the file {described.file} {reason}",
            "check the path, relative to the project",
            codes.CONTENT_MISSING,
        )


def _external(stack: Stack, kind: Kind, described: Content, layout: Layout) -> bytes | Problem:
    directory = layout.configs if kind == "configs" else layout.secrets
    place = stack.place(kind, described.key, "name")
    if not _NAME.fullmatch(described.name):
        hint = "use letters, digits, '_', '.' and '-', a letter or digit first"
        return Problem(
            place,
            f"{kind}.{described.key}: '{described.name}' is no name of an external {kind[:-1]}",
            hint,
            codes.WRONG_NAME,
        )
    try:
        return _read(directory / described.name)
    except (OSError, ValueError) as error:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {_reason(error)}"
        message = f"{kind}.{described.key}: the external {kind[:-1]} {described.name} {reason}"
        return Problem(
            place, message, f"put its content into the file {directory / described.name}", codes.CONTENT_MISSING
        )


def _read(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is no regular file")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES >> 20} MiB")
    return content


def _reason(error: OSError | ValueError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else str(error)
