"""Durations as Dockerfiles write them: `1m30s`, `500ms`."""

from engine import durations
from engine.dockerfiles.problems import Mistake


def parse_duration(text: str) -> float:
    """The seconds that a duration stands for; a Mistake when it is none, or less than nothing."""
    try:
        found = durations.nanoseconds(text)
    except ValueError:
        found = -1
    if found < 0:
        raise Mistake(f"{text!r} is no duration", hint="write numbers with units, such as 1m30s or 500ms")
    return found / 1e9
