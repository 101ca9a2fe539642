"""Where a sparse file has data, as one extended attribute of an archive's entry.

"<size of the file> <offset> <length> ..." in ascending order; the entry's content is what lies there, and nothing else.
"""

import errno
import os
from collections.abc import Sequence
from typing import Final

from engine.errors import CopyError

HOLES: Final = "windlass.data"
_MOST_RANGES: Final = 20_000
_LARGEST: Final = 1 << 62


def data_ranges(file: int, size: int) -> list[tuple[int, int]] | None:
    """The parts (offset, length) of a file that hold data; None for one without holes, or with too many."""
    if os.fstat(file).st_blocks * 512 >= size:
        return None
    ranges: list[tuple[int, int]] = []
    position = 0
    while position < size:
        try:
            begin = os.lseek(file, position, os.SEEK_DATA)
            end = min(os.lseek(file, begin, os.SEEK_HOLE), size)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                break
            return None
        if begin >= size or len(ranges) == _MOST_RANGES:
            return ranges if begin >= size else None
        ranges.append((begin, end - begin))
        position = end
    return ranges


def described(size: int, ranges: Sequence[tuple[int, int]]) -> bytes:
    """The attribute's value."""
    return b" ".join(b"%d" % number for number in (size, *(number for part in ranges for number in part)))


def parsed(value: bytes, content_bytes: int) -> tuple[int, list[tuple[int, int]]]:
    """The size and the ranges that a value describes, for a content of so many bytes; CopyError for nonsense."""
    words = value.split(b" ")
    if not all(word.isdigit() and len(word) < 20 for word in words) or len(words) % 2 == 0:
        raise CopyError("the other side describes a file's holes in a way that makes no sense")
    size, *numbers = map(int, words)
    ranges = list(zip(numbers[::2], numbers[1::2], strict=True))
    position = 0
    for offset, length in ranges:
        if offset < position:
            position = _LARGEST
            break
        position = offset + length
    if position > size or size > _LARGEST or sum(length for _, length in ranges) != content_bytes:
        raise CopyError("the other side describes a file's holes in a way that makes no sense")
    return size, ranges
