"""Looks at the machine for `doctor`; changes nothing."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from compose.doing.checkup import Machine
from engine.errors import EngineError
from engine.layout import Layout
from engine.programs import PATH, run
from net.networks import read_states

LIBRARIES = ("libseccomp.so.2", "libnftables.so.1")
LIBRARY_PLACES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib")
PROGRAMS = ("mmdebstrap", "debootstrap", "tini-static", "catatonit", "nft")


def look(layout: Layout) -> Machine:
    """Everything that `examine` wants to know."""
    from net import inspection  # noqa: PLC0415 - it takes half a second to load

    mountinfo = _text("/proc/self/mountinfo")
    stacks = [layout.stack(path.name) for path in layout.stacks.glob("*")]
    tokens = {stack.token for stack in stacks}
    subnets = [state.subnet for stack in stacks for state in read_states(stack.networks)]
    data = _existing(layout.data)
    return Machine(
        kernel=os.uname().release,
        user_id=os.geteuid(),
        mountinfo=mountinfo,
        filesystems=_text("/proc/filesystems"),
        unified_controllers=_text("/sys/fs/cgroup/cgroup.controllers"),
        max_user_namespaces=_text("/proc/sys/user/max_user_namespaces"),
        libraries={name: _has_library(name) for name in LIBRARIES},
        programs={name: shutil.which(name, path=PATH) is not None for name in PROGRAMS},
        ip_forward=_text("/proc/sys/net/ipv4/ip_forward"),
        chains=_chains(),
        resolv_conf=_text("/etc/resolv.conf"),
        data_file_system=file_system_of(str(data), mountinfo),
        free_bytes=shutil.disk_usage(data).free,
        host_ids=tuple(_host_ids()),
        leftovers=(*inspection.leftover_links(tokens), *inspection.leftover_tables(tokens)),
        overlaps=tuple(
            f"{overlap.destination} through {overlap.interface} crosses {overlap.subnet}"
            for overlap in inspection.overlapping_routes(subnets)
        ),
    )


def file_system_of(path: str, mountinfo: str) -> str:
    """The type of the file system that holds a path, from the text of /proc/self/mountinfo."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        place = before.split()[4]
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, after.split()[0]
    return kind


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _existing(path: Path) -> Path:
    """The path, or its nearest parent that is there."""
    return next(each for each in (path, *path.parents) if each.exists())


def _has_library(name: str) -> bool:
    places = [Path(place) for place in LIBRARY_PLACES]
    return any((place / name).exists() or any(place.glob(f"*-linux-*/{name}")) for place in places)


def _chains() -> str:
    """All chains of the firewall; empty when they cannot be listed."""
    try:
        return run(["nft", "-j", "list", "chains"]).decode()
    except EngineError:
        return ""


def _host_ids() -> Iterator[tuple[int, int, str]]:
    """The ids of users and groups, and those handed out for users' own containers: passwd(5), group(5), subuid(5)."""
    for path in ("/etc/passwd", "/etc/group"):
        for fields in (line.split(":") for line in _text(path).splitlines()):
            if len(fields) > 2 and fields[2].isdigit():
                yield int(fields[2]), 1, f"{fields[0]} in {path}"
    for path in ("/etc/subuid", "/etc/subgid"):
        for fields in (line.split(":") for line in _text(path).splitlines()):
            if len(fields) == 3 and fields[1].isdigit() and fields[2].isdigit():
                yield int(fields[1]), int(fields[2]), f"{fields[0]} in {path}"
