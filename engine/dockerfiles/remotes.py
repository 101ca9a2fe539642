"""Files that ADD names by an address."""

from typing import NamedTuple

import msgspec

from engine.dockerfiles.problems import Mistake


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What was behind an address when it was last asked: its digest, and the server's own marks of the version."""

    digest: str
    name: str
    tag: str = ""
    modified: str = ""


class Address(NamedTuple):
    """A file on the web; `checksum` ("sha256:...") may be empty."""

    url: str
    checksum: str = ""


def check_checksum(text: str) -> str:
    """The value of --checksum."""
    kind, _, digits = text.partition(":")
    if kind != "sha256" or len(digits) != 64 or not set(digits.lower()) <= set("0123456789abcdef"):
        raise Mistake(f"--checksum={text} is no digest: sha256: with 64 hexadecimal digits is")
    return text.lower()
