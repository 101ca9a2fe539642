"""Decides which capabilities a container's programs may have; see capabilities(7)."""

from collections.abc import Iterable

from engine.errors import StartError

# By number, as in linux/capability.h.
NAMES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
)
DEFAULT = frozenset(
    {
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)


def allowed(added: Iterable[str], dropped: Iterable[str]) -> frozenset[str]:
    """The names that remain after adding to the default and dropping from it; ALL stands for every one.

    Contradictions are decided as in Docker: adding ALL wins over dropping ALL, but not over a name that is dropped; a
    name that is added wins over dropping ALL.
    """
    plus, minus = _names(added), _names(dropped)
    if "ALL" in plus:
        return frozenset(NAMES) - minus
    if "ALL" in minus:
        return plus
    return (DEFAULT | plus) - minus


def mask(names: Iterable[str]) -> int:
    """The set as the kernel's bit mask."""
    return sum(1 << NAMES.index(name) for name in names)


def _names(given: Iterable[str]) -> frozenset[str]:
    names = frozenset(name.upper().removeprefix("CAP_") for name in given)
    unknown = sorted(names - {"ALL"} - set(NAMES))
    if unknown:
        raise StartError(
            f"there is no capability {unknown[0]!r}", stage="privileges", hint="see capabilities(7) for their names"
        )
    return names
