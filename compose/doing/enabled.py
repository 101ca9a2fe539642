"""The stacks that come back after a boot: one JSON file each in the data root."""

from pathlib import Path

import msgspec

from engine.directories import make_private
from engine.errors import StateError
from engine.images.durable import write_file
from engine.layout import Layout


class Enabled(msgspec.Struct, frozen=True, kw_only=True):
    """How a stack is found again: what the command line said, all paths absolute."""

    name: str
    directory: str
    files: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


def remember(layout: Layout, stack: Enabled) -> None:
    """Keeps a stack among those that come back; replaces what was said of it before."""
    make_private(layout.enabled)
    write_file(_path(layout, stack.name), msgspec.json.format(msgspec.json.encode(stack)) + b"\n")


def forget(layout: Layout, name: str) -> bool:
    """Takes a stack off the list; False when it was not on it."""
    path = _path(layout, name)
    there = path.exists()
    path.unlink(missing_ok=True)
    if there and not any(layout.enabled.iterdir()):
        layout.enabled.rmdir()
    return there


def recall(layout: Layout) -> dict[str, Enabled]:
    """The stacks that come back, by name. StateError for a file that cannot be read."""
    found = {}
    for path in sorted(layout.enabled.glob("*.json")):
        try:
            stack = msgspec.json.decode(path.read_bytes(), type=Enabled)
        except (OSError, msgspec.MsgspecError, UnicodeError) as error:
            raise StateError(
                f"cannot read {path}: {error}", hint="remove it, then `windlass enable` the stack again"
            ) from error
        found[stack.name] = stack
    return found


def _path(layout: Layout, name: str) -> Path:
    return layout.enabled / f"{name}.json"
