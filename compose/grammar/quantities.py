"""Reads durations and sizes.

Every function raises ValueError with a text that completes "`services.web.x` ...".
"""

import re

from engine import durations

# Compose knows two units more than Go.
_UNITS = {**durations.NANOSECONDS, "d": 86_400_000_000_000, "w": 604_800_000_000_000}
_SIZE = re.compile(r"\+?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)? ?(?:([kmgtp])(?:i?b)?|b)?", re.IGNORECASE)
_LONGEST = 2**63 - 1


def duration_nanoseconds(text: str) -> int:
    """A duration such as 1m30s or 1.5h, as Go reads it (and d and w as Compose does)."""
    return durations.nanoseconds(text, _UNITS)


def duration_text(nanoseconds: int) -> str:
    """A duration as Go writes it: 1m30s, 1h0m0s, 1.5s, 100ms."""
    if nanoseconds < 0:
        return "-" + duration_text(-nanoseconds)
    for unit, name in ((1_000, "ns"), (1_000_000, "\u00b5s"), (1_000_000_000, "ms")):
        if 0 < nanoseconds < unit:
            return _decimal(nanoseconds, unit // 1_000) + name
    minutes, rest = divmod(nanoseconds, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, 1_000_000_000) + "s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _decimal(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).rjust(len(str(unit)) - 1, '0').rstrip('0')}"


def size_bytes(text: str) -> int:
    """A size such as 512m, 1.5gb or 1GiB: powers of 1024."""
    parsed = _SIZE.fullmatch(text)
    if parsed is None:
        raise ValueError(f"is no size: '{text}'")
    digits, power, unit = parsed.groups(default="")
    factor = 1024 ** ("kmgtp".find(unit.lower()) + 1 if unit else 0)
    amount = float(digits + power) * factor
    if amount > _LONGEST:
        raise ValueError(f"is too large: '{text}'")
    return int(digits) * factor if digits.isdecimal() and not power else int(amount)
