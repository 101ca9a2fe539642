"""What builds have kept for the next time: how much it is, and what of it goes when it is too much."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from engine.dockerfiles.steps import StepRecord
from engine.housekeeping.occupancy import disk_bytes
from engine.images.durable import remove_unfinished
from engine.images.model import LayerFacts

LARGEST_BYTES: Final = 10 << 30
"""How much of layers that no image has builds may keep."""


class Kept(NamedTuple):
    """A step that need not be done again: the file that says so, its layer (empty: none), when it was last of use."""

    path: Path
    layer: str
    used_ns: int


def kept_steps(cache: Path) -> tuple[Kept, ...]:
    """All that builds have kept below a store's cache, what was of use last first; what cannot be read has no layer."""
    found = []
    for path in _files(cache / "build" / "steps"):
        try:
            used_ns = path.stat().st_mtime_ns
            layer = msgspec.json.decode(path.read_bytes(), type=StepRecord).layer
        except FileNotFoundError:
            continue
        except (msgspec.MsgspecError, UnicodeError):
            layer = ""
        found.append(Kept(path, layer, used_ns))
    return tuple(sorted(found, key=lambda kept: (-kept.used_ns, kept.path)))


def within(
    steps: Iterable[Kept],
    layers: Mapping[str, LayerFacts | None],
    shared: Collection[str],
    *,
    largest_bytes: int = LARGEST_BYTES,
    used_since_ns: int = 0,
) -> tuple[Kept, ...]:
    """Those that stay: what was of use last, up to a size and not before a moment.

    `shared` are the layers that images and containers have anyway; they cost nothing.
    """
    stay: list[Kept] = []
    counted: set[str] = set()
    spent = 0
    for kept in steps:
        facts = layers.get(kept.layer)
        if kept.layer and facts is None:
            continue
        free = not facts or kept.layer in shared or kept.layer in counted
        cost = 0 if free or facts is None else facts.size_bytes
        if not free and (spent + cost > largest_bytes or kept.used_ns < used_since_ns):
            continue
        spent += cost
        counted.add(kept.layer)
        stay.append(kept)
    return tuple(stay)


def kept_directories(cache: Path) -> tuple[Kept, ...]:
    """The directories that commands of builds have as caches (`RUN --mount=type=cache`), what was of use last first."""
    found = [Kept(path, "", path.stat().st_mtime_ns) for path in _files(cache / "build" / "mounts")]
    return tuple(sorted(found, key=lambda kept: (-kept.used_ns, kept.path)))


def spare_directories(directories: Iterable[Kept], *, largest_bytes: int, used_since_ns: int) -> dict[Path, int]:
    """Those that go, with what they take: beyond a size altogether, or not of use since a moment."""
    spare: dict[Path, int] = {}
    spent = 0
    for kept in directories:
        cost = disk_bytes(kept.path)
        if spent + cost > largest_bytes or kept.used_ns < used_since_ns:
            spare[kept.path] = cost
        else:
            spent += cost
    return spare


def sweep(cache: Path) -> None:
    """Removes what builds that crashed have left half written; none may be under way."""
    for kind in ("steps", "histories", "inputs"):
        remove_unfinished(cache / "build" / kind)


def forget(steps: Iterable[Kept]) -> None:
    """Removes the records; what is gone already is no harm."""
    for kept in steps:
        kept.path.unlink(missing_ok=True)


def _files(directory: Path) -> tuple[Path, ...]:
    try:
        return tuple(path for path in directory.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return ()
