"""Removes what containers of an earlier boot left behind: the run root died with it, their data did not."""

import os
import time
from pathlib import Path

from engine.idranges import release_range
from engine.layout import Layout


def boot_time() -> float:
    """When this boot of the machine began, in seconds since the epoch."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def remove_leftovers(layout: Layout, *, booted_at: float) -> tuple[str, ...]:
    """Removes writable layers, logs and leases that are older than the boot and no stack's; returns whose they were.

    A container's record is written before anything else of it, so what has none belongs to nobody; the age spares
    what an image build keeps for a moment without one.
    """
    found = {path.name for path in _older(layout.containers, booted_at)}
    found |= {str(path.readlink()) for path in _older(layout.id_ranges, booted_at)}
    known = {path.name for path in layout.stacks.glob("*/containers/*")}
    gone = tuple(sorted(found - known))
    for container_id in gone:
        _remove_tree(layout.container_data(container_id))
        release_range(layout.id_ranges, container_id)
    return gone


def _older(directory: Path, moment: float) -> list[Path]:
    """The entries of a directory that were last changed before a moment; links count themselves."""
    try:
        with os.scandir(directory) as entries:
            return [Path(entry) for entry in entries if entry.stat(follow_symlinks=False).st_mtime < moment]
    except FileNotFoundError:
        return []


def _remove_tree(directory: Path) -> None:
    if directory.exists():
        import shutil  # noqa: PLC0415 - rarely needed, and slow to import

        shutil.rmtree(directory)
