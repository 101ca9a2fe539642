"""Decides which devices a container's processes may use, as a program that the kernel runs at each use.

The program is of type BPF_PROG_TYPE_CGROUP_DEVICE: it gets the kind of access, the kind of device and its numbers, and
answers 1 to allow it; see struct bpf_cgroup_dev_ctx in linux/bpf.h.
"""

import re
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

PROGRAM_TYPE = 15  # BPF_PROG_TYPE_CGROUP_DEVICE
ATTACH_TYPE = 6  # BPF_CGROUP_DEVICE

# null, zero, full, random, urandom; tty, console, ptmx; every terminal: what each container has.
DEFAULT = (
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
)
_TYPES = {"b": 1, "c": 2}
_ACCESSES = {"m": 1, "r": 2, "w": 4}
_EVERYTHING = 7
_RULE = re.compile(r"([abc])(?: +([0-9]+|\*):([0-9]+|\*))?(?: +([rwm]{1,3}))?")
_INSTRUCTION = struct.Struct("=BBhi")
_LOAD, _AND, _SHIFT_RIGHT, _MOVE, _SET, _UNEQUAL, _UNEQUAL_REGISTER, _EXIT = (
    0x61,
    0x54,
    0x74,
    0xBC,
    0xB7,
    0x55,
    0x5D,
    0x95,
)
_ANSWER, _CONTEXT, _TYPE, _ACCESS, _MAJOR, _MINOR = range(6)


class _Rule(NamedTuple):
    """A parsed rule; 0 as type, and None as number, mean any."""

    type: int
    major: int | None
    minor: int | None
    access: int


def check(rule: str) -> None:
    """Raises ValueError for what is no rule ("c 13:* rwm")."""
    _parsed(rule)


def program(rules: Sequence[str]) -> bytes:
    """The program that allows what some rule, or the default ones, allow."""
    code = [
        _instruction(_LOAD, _TYPE, _CONTEXT, 0),
        _instruction(_AND, _TYPE, value=0xFFFF),
        _instruction(_LOAD, _ACCESS, _CONTEXT, 0),
        _instruction(_SHIFT_RIGHT, _ACCESS, value=16),
        _instruction(_LOAD, _MAJOR, _CONTEXT, 4),
        _instruction(_LOAD, _MINOR, _CONTEXT, 8),
    ]
    for rule in (*DEFAULT, *rules):
        code += _compiled(_parsed(rule))
    code += (_instruction(_SET, _ANSWER, value=0), _instruction(_EXIT))
    return b"".join(code)


def _parsed(text: str) -> _Rule:
    found = _RULE.fullmatch(text.strip())
    if found is None or (found[1] != "a" and (found[2] is None or found[4] is None)):
        raise ValueError("write the type, the numbers and the access, as in 'c 13:* rwm'")
    if found[1] == "a":
        return _Rule(0, None, None, _EVERYTHING)
    access = sum(_ACCESSES[letter] for letter in set(found[4]))
    major, minor = (None if text == "*" else int(text) for text in (found[2], found[3]))
    return _Rule(_TYPES[found[1]], major, minor, access)


def _compiled(rule: _Rule) -> Iterable[bytes]:
    """Tests that jump over the answer when one fails, then the answer."""
    tests: list[tuple[int, int, int, int] | bytes] = []
    if rule.type:
        tests.append((_UNEQUAL, _TYPE, 0, rule.type))
    if rule.access != _EVERYTHING:  # nothing is asked for that the rule has not
        tests += (
            _instruction(_MOVE, _CONTEXT, _ACCESS),
            _instruction(_AND, _CONTEXT, value=rule.access),
            (_UNEQUAL_REGISTER, _CONTEXT, _ACCESS, 0),
        )
    if rule.major is not None:
        tests.append((_UNEQUAL, _MAJOR, 0, rule.major))
    if rule.minor is not None:
        tests.append((_UNEQUAL, _MINOR, 0, rule.minor))
    length = len(tests) + 2
    for index, test in enumerate(tests):
        if isinstance(test, bytes):
            yield test
        else:
            code, register, other, value = test
            yield _instruction(code, register, other, length - index - 1, value)
    yield _instruction(_SET, _ANSWER, value=1)
    yield _instruction(_EXIT)


def _instruction(code: int, register: int = 0, other: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return _INSTRUCTION.pack(code, other << 4 | register, offset, value)
