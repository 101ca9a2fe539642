"""Compiles the rules on system calls with libseccomp. The one place that speaks to that library.

Compiling takes as long as starting three containers, so compiled programs are kept as files.
"""

# ruff: noqa: TID251 -- this module is the door that the ban points to

import ctypes
import hashlib
import os
from errno import ENOSYS
from functools import lru_cache
from pathlib import Path

from engine import seccomp_rules
from engine.directories import make_private
from engine.errors import EngineError
from engine.seccomp_rules import Condition, Rule

_LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_BAD_ARCHITECTURE = 2  # SCMP_FLTATR_ACT_BADARCH, seccomp_attr_set(3)
_OPTIMIZE = 8  # SCMP_FLTATR_CTL_OPTIMIZE
_BINARY_TREE = 2
_INSTRUCTION_BYTES = 8
_OPERATORS = {"not equal": 1, "equal": 4, "above": 6, "masked": 7}  # enum scmp_compare


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
    if cache is None:
        return compile_rules(rules)
    text = f"{os.uname().machine} {rules}"
    place = cache / f"seccomp-{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    try:
        kept = place.read_bytes()
    except FileNotFoundError:
        kept = b""
    if kept and len(kept) % _INSTRUCTION_BYTES == 0:
        return kept
    made = compile_rules(rules)
    make_private(cache)
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    draft.write_bytes(made)
    draft.rename(place)
    return made


def compile_rules(rules: tuple[Rule, ...]) -> bytes:
    """Compiles a filter for this machine's own architecture; calls by any other architecture's way do not exist."""
    library = _open_library()
    context = library.seccomp_init(_ERRNO | ENOSYS)
    if not context:
        raise EngineError("libseccomp cannot make a filter")
    try:
        _check("set", library.seccomp_attr_set(context, _BAD_ARCHITECTURE, _ERRNO | ENOSYS))
        _check("optimize", library.seccomp_attr_set(context, _OPTIMIZE, _BINARY_TREE))
        for rule in rules:
            number = library.seccomp_syscall_resolve_name(rule.call.encode())
            if number < 0:  # a call that this architecture has not
                continue
            comparisons = (_Comparison * len(rule.conditions))(*map(_compare, rule.conditions))
            action = _ERRNO | rule.error if rule.error else _ALLOW
            added = library.seccomp_rule_add_array(context, action, number, len(rule.conditions), comparisons)
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
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    return library


def _compare(condition: Condition) -> _Comparison:
    operator = _OPERATORS[condition.operator]
    if condition.operator == "masked":
        return _Comparison(condition.argument, operator, condition.mask, condition.value)
    return _Comparison(condition.argument, operator, condition.value, 0)


def _check(what: str, result: int) -> None:
    if result < 0:
        raise EngineError(f"libseccomp refused a rule ({what}): {os.strerror(-result)}")
