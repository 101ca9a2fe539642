"""Leases ranges of 65536 host ids, one for each container.

A lease is a symbolic link named after the range's first id that points to the container's id: it is made with its
content in one step, so that a crash leaves no half lease.
"""

from collections.abc import Iterator
from pathlib import Path

from engine.directories import make_private
from engine.errors import StateError

SIZE = 65536
FIRST = 524288
LAST = 1878982655
_COUNT = (LAST + 1 - FIRST) // SIZE


def lease_range(directory: Path, container_id: str) -> int:
    """Returns the first id of the container's range, leasing one when it has none yet."""
    make_private(directory)
    for first_id in _candidates(container_id):
        place = directory / str(first_id)
        try:
            place.symlink_to(container_id)
        except FileExistsError:
            if _holder(place) != container_id:
                continue
        except FileNotFoundError:  # another stack's end has removed the empty directory
            return lease_range(directory, container_id)
        return first_id
    raise StateError(f"all {_COUNT} ranges of ids are leased", hint=f"look for leftovers in {directory}")


def release_range(directory: Path, container_id: str) -> None:
    """Gives the container's range back; nothing happens when it has none."""
    for first_id in _candidates(container_id):
        place = directory / str(first_id)
        holder = _holder(place)
        if holder == container_id:
            place.unlink(missing_ok=True)
            return
        if holder is None:
            break
    # A range before ours in the row was given back meanwhile, so the row has a gap.
    for place in directory.glob("*"):
        if _holder(place) == container_id:
            place.unlink(missing_ok=True)


def _candidates(container_id: str) -> Iterator[int]:
    """Every range once, from a slot of the container's own on, so that a lease is found at the first look."""
    start = int(container_id[:8], 16) % _COUNT
    return (FIRST + (start + step) % _COUNT * SIZE for step in range(_COUNT))


def _holder(place: Path) -> str | None:
    try:
        return str(place.readlink())
    except OSError:
        return None
