"""How much of a disk a directory takes."""

import os
from pathlib import Path

_BLOCK = 512


def disk_bytes(top: Path) -> int:
    """What a directory takes with everything in it: files under several names count once, holes not at all."""
    total, seen = 0, set[tuple[int, int]]()
    left = [top]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    if status.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
                        if (status.st_dev, status.st_ino) in seen:
                            continue
                        seen.add((status.st_dev, status.st_ino))
                    total += status.st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        left.append(Path(entry))
        except OSError:  # it has just gone, or is deeper than a path can be long
            continue
    return total
