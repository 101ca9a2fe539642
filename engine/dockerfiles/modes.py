"""File modes as --chmod writes them: octal, or as chmod(1) has it (`u=rwX,go-w`)."""

import re
import stat
from typing import NamedTuple

from engine.dockerfiles.problems import Mistake

_OCTAL = re.compile(r"[0-7]{3,4}")
_CLAUSE = re.compile(r"([ugoa]*)([-+=][rwxXst]*)+")
_ACTION = re.compile(r"([-+=])([rwxXst]*)")
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}


class Mode(NamedTuple):
    """A mode, or a change of the mode that a file has: (who, operator, permissions) one after the other."""

    fixed: int | None = None
    changes: tuple[tuple[str, str, str], ...] = ()

    def of(self, current: int, *, directory: bool) -> int:
        """The mode of a file that has the mode `current`."""
        if self.fixed is not None:
            return self.fixed
        for who, operator, permissions in self.changes:
            bits = _bits(who, permissions, current, directory=directory)
            if operator == "=":
                current = current & ~_bits(who, "rwx", current, directory=directory) | bits
            else:
                current = current | bits if operator == "+" else current & ~bits
        return current


def parse_mode(text: str) -> Mode | None:
    """The value of --chmod; None when it is empty."""
    if not text:
        return None
    if _OCTAL.fullmatch(text):
        return Mode(int(text, 8))
    changes = []
    for clause in text.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise Mistake(f"--chmod={text} is no mode", hint="write it in octal, such as 755, or as in u=rwX,go=rX")
        who = match[1] if match[1] and "a" not in match[1] else "ugo"
        changes += [(who, operator, permissions) for operator, permissions in _ACTION.findall(clause)]
    return Mode(changes=tuple(changes))


def _bits(who: str, permissions: str, current: int, *, directory: bool) -> int:
    bits = 0
    for letter in permissions:
        if letter == "X":
            letter = "x" if directory or current & 0o111 else ""  # noqa: PLW2901 -- what it stands for
        if letter == "t":
            bits |= stat.S_ISVTX
        elif letter == "s":
            bits |= (stat.S_ISUID if "u" in who else 0) | (stat.S_ISGID if "g" in who else 0)
        elif letter:
            for one in who:
                bits |= _BITS[letter] << _SHIFTS[one]
    return bits
