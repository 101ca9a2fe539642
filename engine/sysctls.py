"""Knows which settings of the kernel belong to a container's own namespaces; see proc_sys(5)."""

from typing import Literal

_IPC = frozenset(
    f"kernel/{name}" for name in ("msgmax", "msgmnb", "msgmni", "sem", "shm_rmid_forced", "shmall", "shmmax", "shmmni")
)


def owner(name: str) -> Literal["network", "ipc", ""]:
    """Which namespace a setting ("net.core.somaxconn", or with slashes) belongs to; empty for the host's own."""
    place = path(name)
    parts = place.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        return ""
    if parts[0] == "net":
        return "network"
    return "ipc" if place in _IPC or place.startswith("fs/mqueue/") else ""


def path(name: str) -> str:
    """Where a setting is below /proc/sys. As in sysctl(8), the first separator separates; the other is part of a name.

    "net.ipv4.conf.eth0/1.forwarding" and "net/ipv4/conf/eth0.1/forwarding" are one.
    """
    dot, slash = name.find("."), name.find("/")
    if dot >= 0 and (slash < 0 or dot < slash):
        return name.translate(str.maketrans("./", "/."))
    return name
