"""Moments as people type them: a time, or how long ago."""

import re
from datetime import UTC, datetime

from compose.errors import UsageError

_SECONDS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|us|µs|ns|s)")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9})\d*)?)?(Z|[+-]\d\d:\d\d)?")
_NS = 1_000_000_000


def moment(option: str, text: str, *, now_ns: int) -> int:
    """Nanoseconds since the epoch, of RFC 3339 or its parts (local time unless it says), of seconds, or of "10m" ago.

    UsageError for anything else.
    """
    if re.fullmatch(r"\d+(\.\d+)?", text):
        seconds, _, fraction = text.partition(".")
        return int(seconds) * _NS + int(fraction[:9].ljust(9, "0") or 0)
    parts = _DURATION.findall(text)
    if parts and "".join(map("".join, parts)) == text:
        return now_ns - int(sum(float(number) * _SECONDS[unit] for number, unit in parts) * _NS)
    found = _TIME.fullmatch(text)
    try:
        if found:
            day, clock, fraction, zone = found.groups()
            told = datetime.fromisoformat(f"{day}T{clock or '00:00'}{'+00:00' if zone == 'Z' else zone or ''}")
            whole = told.astimezone(UTC).replace(microsecond=0)
            return int(whole.timestamp()) * _NS + int((fraction or "").ljust(9, "0") or 0)
    except (ValueError, OverflowError):
        pass
    raise UsageError(
        f"{option} {text}: neither a time nor a duration",
        hint=f"for example {option} 10m, {option} 2026-11-21T08:30:00Z or seconds since 1970",
    )
