"""Writes the kernel's settings of a container's own namespaces; see proc_sys(5).

Runs inside the container, as its root, before anything of it is locked.
"""

import os
from collections.abc import Mapping

from engine import sysctls, targets
from engine.errors import StartError

_USER_NAMESPACES = "user/max_user_namespaces"
_USUAL = (
    # Groups of the container may send pings, and any user may serve on ports below 1024: no capability is needed.
    ("net/ipv4/ping_group_range", b"0 65535"),
    ("net/ipv4/ip_unprivileged_port_start", b"0"),
    # A second lock beside the filter of system calls: no user namespace below this one, for ever.
    (_USER_NAMESPACES, b"0"),
)
_STAGE = "kernel settings"


def write_settings(root_fd: int, chosen: Mapping[str, str], *, own_network: bool, nesting: bool) -> None:
    """Writes the usual settings, then the chosen ones; StartError for one that the kernel refuses.

    Those of a network that is not the container's own are left alone, and so is what forbids user namespaces, with
    `nesting`.
    """
    for name, value in _USUAL:
        if (own_network or not name.startswith("net/")) and not (nesting and name == _USER_NAMESPACES):
            _write(root_fd, name, value)
    for name, text in chosen.items():
        try:
            known = _write(root_fd, sysctls.path(name), text.encode())
        except OSError as error:
            raise StartError(
                f"cannot set the sysctl {name} to {text!r}: {error.strerror}", stage=_STAGE, errno=error.errno or 0
            ) from error
        if not known:
            raise StartError(
                f"cannot set the sysctl {name}: this kernel has none of that name in a container",
                stage=_STAGE,
                hint="check its spelling; some belong to the host as a whole",
            )


def _write(root_fd: int, path: str, value: bytes) -> bool:
    """Writes one setting; False when the kernel has none there."""
    fd = targets.find(root_fd, f"proc/sys/{path}", os.O_WRONLY)
    if fd is None:
        return False
    try:
        os.write(fd, value)
    finally:
        os.close(fd)
    return True
