"""Whether colours go to a stream."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TextIO


def wanted(ansi: str, environment: Mapping[str, str], stream: TextIO) -> bool:
    """Whether colours go to a stream, by --ansi or else by what the environment and the stream say."""
    ansi = ansi or environment.get("COMPOSE_ANSI") or "auto"
    if ansi != "auto":
        return ansi == "always"
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def typed(arguments: Sequence[str]) -> str:
    """The value of --ansi among words that may not have been understood yet; empty when it is not there."""
    for word, following in pairwise((*arguments, "")):
        if word == "--ansi":
            return following
        if word.startswith("--ansi="):
            return word.removeprefix("--ansi=")
    return ""
