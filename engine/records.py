"""What is known of a stack's containers on disk: one spec.json, one state.json each.

The supervisor alone writes; everybody may read at any time, supervisor or not. Writes are atomic by rename. They are
not synced: the run root lives in memory and dies with the boot.
"""

import os
from pathlib import Path

import msgspec

from engine.directories import make_private
from engine.errors import StateError
from engine.layout import StackLayout
from engine.spec import ContainerSpec
from engine.state import ContainerRecord, ContainerState

SPEC_FILE = "spec.json"
STATE_FILE = "state.json"
REMOVING_FILE = "removing"
DAMAGED_SUFFIX = ".damaged"

_encode = msgspec.json.Encoder().encode
_spec_decoder = msgspec.json.Decoder(ContainerSpec)
_state_decoder = msgspec.json.Decoder(ContainerState)


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file so that a reader sees the old or the new content, never a part."""
    fresh = path.with_name(path.name + ".new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        written = os.write(fd, content)
        while written < len(content):
            written += os.write(fd, content[written:])
    finally:
        os.close(fd)
    fresh.rename(path)


def write_spec(stack: StackLayout, spec: ContainerSpec) -> None:
    """Records a container; its directory is made if missing."""
    directory = stack.container(spec.id)
    make_private(directory)
    write_atomically(directory / SPEC_FILE, _encode(spec))


def write_state(stack: StackLayout, state: ContainerState) -> None:
    """Records how a container is."""
    write_atomically(stack.container(state.id) / STATE_FILE, _encode(state))


def read_spec(directory: Path) -> ContainerSpec | None:
    """The spec in a container's directory, None when there is none; StateError when it cannot be read."""
    try:
        spec = _spec_decoder.decode((directory / SPEC_FILE).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeError) as error:
        raise _unreadable(directory / SPEC_FILE, error) from error
    _require_id(spec.id, directory / SPEC_FILE)
    return spec


def read_state(directory: Path) -> ContainerState | None:
    """The state in a container's directory, None when there is none; StateError when it cannot be read."""
    try:
        state = _state_decoder.decode((directory / STATE_FILE).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeError) as error:
        raise _unreadable(directory / STATE_FILE, error) from error
    _require_id(state.id, directory / STATE_FILE)
    return state


def container_directories(stack: StackLayout) -> tuple[Path, ...]:
    """The directories of the stack's containers, sorted by name, without damaged ones that were set aside."""
    try:
        found = sorted(stack.containers.iterdir())
    except FileNotFoundError:
        return ()
    return tuple(path for path in found if not path.name.endswith(DAMAGED_SUFFIX))


def read_records(stack: StackLayout) -> tuple[ContainerRecord, ...]:
    """All containers of the stack that can be read, sorted by name.

    A container without a readable state counts as created; one without a readable spec is left out.
    """
    records = []
    for directory in container_directories(stack):
        try:
            spec = read_spec(directory)
        except StateError:
            continue
        if spec is None:
            continue
        try:
            state = read_state(directory)
        except StateError:
            state = None
        records.append(ContainerRecord(spec=spec, state=state or ContainerState(id=spec.id)))
    return tuple(sorted(records, key=lambda record: record.spec.name))


def set_aside(path: Path) -> Path:
    """Renames what cannot be read, so that it is kept for inspection and met only once; gives its new path."""
    aside = path.with_name(path.name + DAMAGED_SUFFIX)
    return path.rename(aside)


def _require_id(found: str, path: Path) -> None:
    """All that a container has is found by its directory's name; a record that tells another id is damaged."""
    if found != path.parent.name.removesuffix(DAMAGED_SUFFIX):
        raise _unreadable(path, ValueError(f"it is of another container ({found[:12]})"))


def _unreadable(path: Path, error: Exception) -> StateError:
    return StateError(
        f"cannot read {path}: {error}", hint="the supervisor sets damaged records aside when it starts the next time"
    )
