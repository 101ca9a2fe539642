"""Writes kernel settings of the network namespace that the caller is in (proc_sys_net(5))."""

import os

from net.errors import NetError


def write_sysctl(name: str, value: str, *, optional: bool = False) -> None:
    """Set `name`, with slashes, below /proc/sys; an `optional` one may be missing from the kernel or be read-only."""
    try:
        setting = os.open(f"/proc/sys/{name}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(setting, value.encode())
        finally:
            os.close(setting)
    except OSError as error:
        if optional:
            return
        raise NetError(
            f"cannot set {name.replace('/', '.')} to {value}: {error.strerror}",
            hint="is /proc/sys mounted read-only here?",
        ) from error


def ensure_forwarding() -> None:
    """Let this namespace forward packets between its links. On the host this stays on, as other engines leave it."""
    with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as setting:  # noqa: PTH123 - no Path for one read
        if setting.read().strip() != "0":
            return
    write_sysctl("net/ipv4/ip_forward", "1")
