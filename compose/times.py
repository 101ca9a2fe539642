"""Times and sizes as people read them."""

import time

SECOND_NS = 1_000_000_000
MINUTE, HOUR, DAY, WEEK, MONTH, YEAR = 60, 3600, 86400, 7 * 86400, 30 * 86400, 365 * 86400


def rough_duration(nanoseconds: int) -> str:
    """A duration in the words that Docker uses ("About a minute", "3 hours")."""
    seconds = max(0, nanoseconds) // SECOND_NS
    if seconds < 1:
        return "Less than a second"
    if seconds == 1:
        return "1 second"
    if MINUTE <= seconds < 2 * MINUTE:
        return "About a minute"
    if HOUR <= seconds < HOUR + HOUR // 2:
        return "About an hour"
    for limit, unit, word in (
        (MINUTE, 1, "seconds"),
        (HOUR, MINUTE, "minutes"),
        (2 * DAY, HOUR, "hours"),
        (2 * WEEK, DAY, "days"),
        (2 * MONTH, WEEK, "weeks"),
        (2 * YEAR, MONTH, "months"),
    ):
        if seconds < limit:
            return f"{seconds // unit} {word}"
    return f"{seconds // YEAR} years"


def date_text(time_ns: int) -> str:
    """A moment as `ps --format json` shows it, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime(time_ns // SECOND_NS))


def timestamp(time_ns: int) -> str:
    """A moment as logs show it: RFC 3339, in UTC, with nanoseconds."""
    seconds, rest = divmod(time_ns, SECOND_NS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09}Z"


def size_text(size_bytes: int) -> str:
    """A size with three digits and decimal units, as Docker shows it ("12.3MB")."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g}{unit}"
        size /= 1000
    return f"{size:.3g}TB"


def binary_size_text(size_bytes: int) -> str:
    """A size with four digits and binary units, as Docker shows memory ("1.934MiB")."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.4g}{unit}"
        size /= 1024
    return f"{size:.4g}TiB"
