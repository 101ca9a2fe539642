"""Makes what programs print harmless for a terminal."""

import re

_SUSPECT = re.compile(rb"[^\t\n\x20-\x7e]")
_OBEYED = re.compile(
    "(\x1b\\[[0-9;:]*m)"  # colours and weights: the only commands that stay
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # the last ones turn text around
)
_RESET = "\x1b[0m"


def harmless(text: bytes) -> bytes:
    """Lines as they may go to a terminal: what it would obey is shown as its escape, but for colours.

    Colours end with their line, and so do lines that end as on Windows; bytes that are no UTF-8 are escaped, too.
    """
    if _SUSPECT.search(text) is None:
        return text
    shown = text.replace(b"\r\n", b"\n").removesuffix(b"\r").decode("utf-8", "backslashreplace")
    shown = _OBEYED.sub(_escaped, shown)
    if "\x1b" in shown:
        shown = "\n".join(line + _RESET if "\x1b" in line else line for line in shown.split("\n"))
    return shown.encode()


def _escaped(found: re.Match[str]) -> str:
    return found[1] or found[0].encode("unicode_escape").decode()
