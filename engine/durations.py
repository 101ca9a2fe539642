"""Reads durations as Go writes them: 1m30s, 1.5h, 500ms."""

import re
from collections.abc import Mapping
from types import MappingProxyType

NANOSECONDS: Mapping[str, int] = MappingProxyType(
    {
        "ns": 1,
        "us": 1_000,
        "\u00b5s": 1_000,
        "\u03bcs": 1_000,
        "ms": 1_000_000,
        "s": 1_000_000_000,
        "m": 60_000_000_000,
        "h": 3_600_000_000_000,
    }
)
_PART = re.compile(r"(\d+\.?\d*|\.\d+)([a-z\u00b5\u03bc]+)")
_LONGEST = 2**63 - 1


def nanoseconds(text: str, units: Mapping[str, int] = NANOSECONDS) -> int:
    """The nanoseconds of a duration, negative behind a minus; ValueError completes "`services.web.x` ..."."""
    sign = -1 if text.startswith("-") else 1
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return 0
    total, at = 0.0, 0
    for part in _PART.finditer(body):
        if part.start() != at or part[2] not in units:
            break
        total += float(part[1]) * units[part[2]]
        at = part.end()
    if not body or at != len(body):
        without_unit = body.replace(".", "", 1).isdecimal()
        raise ValueError(f"needs a unit: '{body}s'" if without_unit else f"is no duration: '{text}'")
    if total > _LONGEST:
        raise ValueError(f"is too long: '{text}'")
    return sign * round(total)
