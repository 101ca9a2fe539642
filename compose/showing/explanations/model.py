"""The form of an explanation."""

from collections.abc import Mapping
from typing import NamedTuple


class Explanation(NamedTuple):
    """What one code means. `wrong` and `right` are whole Compose files; empty where no file can show the mistake.

    `beside` are the contents of other files in the directory, by name, that both examples need; `beside_wrong` those
    that only the wrong one has.
    """

    code: str
    title: str
    text: str
    wrong: str = ""
    right: str = ""
    beside: Mapping[str, str] = {}
    beside_wrong: Mapping[str, str] = {}
