"""What a registry asks for before it answers: the WWW-Authenticate header (RFC 9110, section 11)."""

import re
from collections.abc import Iterable
from typing import NamedTuple

_SCHEME = re.compile(r"\s*,?\s*([A-Za-z][A-Za-z0-9-]*)(?:\s+|$)(?!\s*=)")
_PARAMETER = re.compile(r"\s*,?\s*([A-Za-z0-9_-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"]+))")


class Challenge(NamedTuple):
    """One way to be let in: a scheme in lower case, its parameters with names in lower case."""

    scheme: str
    parameters: dict[str, str]


def read_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """The challenges of all such headers, in their order; what cannot be read ends a header."""
    found: list[Challenge] = []
    for header in headers:
        position = 0
        while position < len(header):
            scheme = _SCHEME.match(header, position)
            if scheme is None:
                break
            position = scheme.end()
            parameters: dict[str, str] = {}
            while parameter := _PARAMETER.match(header, position):
                name, quoted, plain = parameter.groups()
                parameters[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
                position = parameter.end()
            found.append(Challenge(scheme[1].lower(), parameters))
    return tuple(found)
