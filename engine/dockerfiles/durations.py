"""Durations as Dockerfiles write them: `1m30s`, `500ms`."""

import re

from engine.dockerfiles.problems import Mistake

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def parse_duration(text: str) -> float:
    """The seconds that a duration stands for; a Mistake when it is none."""
    if text == "0":
        return 0.0
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise Mistake(f"{text!r} is no duration", hint="write numbers with units, such as 1m30s or 500ms")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
