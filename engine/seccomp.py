"""Compiles the rules on system calls with libseccomp. The one place that speaks to that library.

Compiling takes as long as starting three containers, so compiled programs are kept as files.
"""

# ruff: noqa: TID251 -- this module is the door that the ban points to

import ctypes
import hashlib
import os
from errno import EEXIST, ENOSYS
from functools import lru_cache
from pathlib import Path

from engine import seccomp_rules
from engine.directories import make_private
from engine.errors import EngineError
from engine.seccomp_rules import Condition, Operator, Rule, Verdict

_LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_BAD_ARCHITECTURE = 2  # SCMP_FLTATR_ACT_BADARCH, seccomp_attr_set(3)
_OPTIMIZE = 8  # SCMP_FLTATR_CTL_OPTIMIZE
_BINARY_TREE = 2
_INSTRUCTION_BYTES = 8
_OPERATORS: dict[Operator, int] = {  # enum scmp_compare
    "not equal": 1,
    "below": 2,
    "at most": 3,
    "equal": 4,
    "at least": 5,
    "above": 6,
    "masked": 7,
}
_VERDICTS: dict[Verdict, int] = {
    "kill process": 0x80000000,
    "kill thread": 0x00000000,
    "trap": 0x00030000,
    "log": 0x7FFC0000,
}
_UNKNOWN_CALL = -1  # __NR_SCMP_ERROR
_DEFAULT = Rule("", ENOSYS)


class _Comparison(ctypes.Structure):
    """struct scmp_arg_cmp, seccomp_rule_add(3)."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


@lru_cache(maxsize=64)
def program(capabilities: frozenset[str], cache: Path | None) -> bytes:
    """Returns the filter for programs with these capabilities, as an array of struct sock_filter.

    `cache` is the directory of what can be computed again; None keeps the filter for this process's life only.
    """
    rules = seccomp_rules.rules(capabilities)
    return kept_program(rules, f"{rules}", cache)


def kept_program(
    rules: tuple[Rule, ...],
    name: str,
    cache: Path | None,
    *,
    default: Rule = _DEFAULT,
    architectures: tuple[str, ...] = (),
) -> bytes:
    """Returns the compiled rules, from the cache where they were compiled before; `name` tells them from others."""
    if cache is None:
        return compile_rules(rules, default=default, architectures=architectures)
    text = f"{os.uname().machine} {name}"
    place = cache / f"seccomp-{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    try:
        kept = place.read_bytes()
    except FileNotFoundError:
        kept = b""
    if kept and len(kept) % _INSTRUCTION_BYTES == 0:
        return kept
    made = compile_rules(rules, default=default, architectures=architectures)
    make_private(cache)
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    draft.write_bytes(made)
    draft.rename(place)
    return made


def compile_rules(rules: tuple[Rule, ...], *, default: Rule = _DEFAULT, architectures: tuple[str, ...] = ()) -> bytes:
    """Compiles a filter for this machine's own architecture; calls by any other architecture's way do not exist.

    `default` says what happens to calls without a rule. `architectures` are others to serve, by libseccomp's names.
    """
    library = _open_library()
    context = library.seccomp_init(_action(default))
    if not context:
        raise EngineError("libseccomp cannot make a filter")
    try:
        _check("set", library.seccomp_attr_set(context, _BAD_ARCHITECTURE, _ERRNO | ENOSYS))
        _check("optimize", library.seccomp_attr_set(context, _OPTIMIZE, _BINARY_TREE))
        for name in architectures:
            token = library.seccomp_arch_resolve_name(name.encode())
            added = library.seccomp_arch_add(context, token) if token else 0  # 0: libseccomp does not know it
            if added != -EEXIST:  # it is this machine's own
                _check(name, added)
        for rule in rules:
            number = library.seccomp_syscall_resolve_name(rule.call.encode())
            if number == _UNKNOWN_CALL or (number < 0 and not architectures):  # a call that this architecture has not
                continue
            if _action(rule) == _action(default):  # libseccomp refuses a rule that changes nothing
                continue
            comparisons = (_Comparison * len(rule.conditions))(*map(_compare, rule.conditions))
            added = library.seccomp_rule_add_array(context, _action(rule), number, len(rule.conditions), comparisons)
            _check(rule.call, added)
        file = os.memfd_create("seccomp")
        try:
            _check("export", library.seccomp_export_bpf(context, file))
            return os.pread(file, os.fstat(file).st_size, 0)
        finally:
            os.close(file)
    finally:
        library.seccomp_release(context)


def _open_library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise EngineError(
            f"the library {_LIBRARY} is missing on this host", hint="install the package libseccomp2"
        ) from error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_void_p,
    ]
    library.seccomp_arch_resolve_name.restype = ctypes.c_uint32
    library.seccomp_arch_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_arch_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    return library


def _action(rule: Rule) -> int:
    if rule.verdict:
        return _VERDICTS[rule.verdict]
    return _ERRNO | rule.error if rule.error else _ALLOW


def _compare(condition: Condition) -> _Comparison:
    operator = _OPERATORS[condition.operator]
    if condition.operator == "masked":
        return _Comparison(condition.argument, operator, condition.mask, condition.value)
    return _Comparison(condition.argument, operator, condition.value, 0)


def _check(what: str, result: int) -> None:
    if result < 0:
        raise EngineError(f"libseccomp refused a rule ({what}): {os.strerror(-result)}")
