"""Reads profiles of system calls as Docker writes them (JSON), and compiles them."""

import os
from errno import EPERM
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from engine import seccomp
from engine.seccomp_rules import Condition, Operator, Rule, Verdict

_OPERATORS: dict[str, Operator] = {
    "SCMP_CMP_NE": "not equal",
    "SCMP_CMP_LT": "below",
    "SCMP_CMP_LE": "at most",
    "SCMP_CMP_EQ": "equal",
    "SCMP_CMP_GE": "at least",
    "SCMP_CMP_GT": "above",
    "SCMP_CMP_MASKED_EQ": "masked",
}
_VERDICTS: dict[str, Verdict] = {
    "SCMP_ACT_KILL": "kill thread",
    "SCMP_ACT_KILL_THREAD": "kill thread",
    "SCMP_ACT_KILL_PROCESS": "kill process",
    "SCMP_ACT_TRAP": "trap",
    "SCMP_ACT_LOG": "log",
}
# What os.uname() calls a machine, as Go (in `includes`) and as libseccomp call it.
_MACHINES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
}

_Action = Literal[
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_TRAP",
    "SCMP_ACT_LOG",
]


class _Argument(msgspec.Struct, frozen=True, rename="camel"):
    index: int
    value: int
    op: str
    value_two: int = 0


class _Filter(msgspec.Struct, frozen=True, rename="camel"):
    caps: tuple[str, ...] | None = None
    arches: tuple[str, ...] | None = None
    min_kernel: str = ""


class _Calls(msgspec.Struct, frozen=True, rename="camel"):
    action: _Action
    names: tuple[str, ...] | None = None
    name: str = ""
    errno_ret: int | None = None
    args: tuple[_Argument, ...] | None = None
    includes: _Filter | None = None
    excludes: _Filter | None = None


class _Architecture(msgspec.Struct, frozen=True, rename="camel"):
    architecture: str
    sub_architectures: tuple[str, ...] | None = None


class _Profile(msgspec.Struct, frozen=True, rename="camel"):
    default_action: _Action
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] | None = None
    arch_map: tuple[_Architecture, ...] | None = None
    syscalls: tuple[_Calls, ...] | None = None


class Decided(NamedTuple):
    """What a profile says for programs with certain capabilities on this machine."""

    default: Rule
    rules: tuple[Rule, ...]
    architectures: tuple[str, ...]


def check(text: str) -> None:
    """Raises ValueError with what is wrong with a profile's text."""
    decide(text, frozenset())


def program(text: str, names: frozenset[str], cache: Path | None) -> bytes:
    """Returns the profile's filter for programs with these capabilities; see `engine.seccomp`."""
    decided = decide(text, names)
    return seccomp.kept_program(
        decided.rules, f"{decided}", cache, default=decided.default, architectures=decided.architectures
    )


def decide(text: str, names: frozenset[str]) -> Decided:
    """Decides what a profile says; ValueError when it is none."""
    try:
        profile = msgspec.json.decode(text, type=_Profile)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
    default = _rule("", profile.default_action, profile.default_errno_ret, ())
    machine = os.uname().machine
    go_name, own = _MACHINES.get(machine, (machine, ""))
    others = [name for name in profile.architectures or () if name != own]
    for entry in profile.arch_map or ():
        if entry.architecture == own:
            others += entry.sub_architectures or ()
    rules: list[Rule] = []
    for calls in profile.syscalls or ():
        if not _applies(calls, names, go_name):
            continue
        for conditions in _alternatives(calls.args or ()):
            rules += (
                _rule(name, calls.action, calls.errno_ret, conditions)
                for name in (*(calls.names or ()), *((calls.name,) if calls.name else ()))
            )
    return Decided(default, tuple(rules), tuple(name.removeprefix("SCMP_ARCH_").lower() for name in others))


def _rule(name: str, action: str, error: int | None, conditions: tuple[Condition, ...]) -> Rule:
    if action == "SCMP_ACT_ALLOW":
        return Rule(name, 0, conditions)
    if action == "SCMP_ACT_ERRNO":
        return Rule(name, EPERM if error is None else error, conditions)
    return Rule(name, 0, conditions, _VERDICTS[action])


def _applies(calls: _Calls, names: frozenset[str], architecture: str) -> bool:
    wanted, unwanted = calls.includes or _Filter(), calls.excludes or _Filter()
    if wanted.caps and not all(name.removeprefix("CAP_") in names for name in wanted.caps):
        return False
    if wanted.arches and architecture not in wanted.arches:
        return False
    if wanted.min_kernel and _kernel() < _version(wanted.min_kernel):
        return False
    if unwanted.caps and any(name.removeprefix("CAP_") in names for name in unwanted.caps):
        return False
    if unwanted.arches and architecture in unwanted.arches:
        return False
    return not (unwanted.min_kernel and _kernel() >= _version(unwanted.min_kernel))


def _alternatives(arguments: tuple[_Argument, ...]) -> tuple[tuple[Condition, ...], ...]:
    """All conditions together; one at a time when several are about one argument, as in runc."""
    conditions = tuple(_condition(argument) for argument in arguments)
    if len({condition.argument for condition in conditions}) < len(conditions):
        return tuple((condition,) for condition in conditions)
    return (conditions,)


def _condition(argument: _Argument) -> Condition:
    operator = _OPERATORS.get(argument.op)
    if operator is None:
        raise ValueError(f"there is no comparison {argument.op!r}")
    if not 0 <= argument.index <= 5:
        raise ValueError(f"a system call has no argument {argument.index}: they are 0 to 5")
    if operator == "masked":
        return Condition(argument.index, operator, argument.value_two, argument.value)
    return Condition(argument.index, operator, argument.value)


def _kernel() -> tuple[int, ...]:
    return _version(os.uname().release)


def _version(text: str) -> tuple[int, ...]:
    """The first two numbers of a kernel's version."""
    numbers = text.split("-", maxsplit=1)[0].split(".")[:2]
    if not all(number.isdecimal() for number in numbers):
        raise ValueError(f"{text!r} is no version of a kernel")
    return tuple(int(number) for number in numbers)
