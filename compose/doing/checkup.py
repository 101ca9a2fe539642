"""What `doctor` concludes from what a machine offers."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from engine import idranges
from engine.cgroups import find_hierarchies

State = Literal["ok", "advice", "missing"]
OLDEST_KERNEL = (5, 19)
EXIT_RECORDS_KERNEL = (6, 15)
CONTROLLERS = ("memory", "pids", "cpu")
IDMAPPED_FILE_SYSTEMS = {"ext4", "xfs", "btrfs", "tmpfs", "f2fs", "bcachefs", "zfs"}
ROOM_BYTES = 1 << 30


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that matters: what was found, why it matters, how to mend it. `missing` keeps stacks from working."""

    subject: str
    state: State
    found: str
    why: str
    mend: str = ""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a machine. Empty texts stand for files that are not there.

    `unified_controllers` are those of the v2 tree; `libraries` and `programs` say which are there; `chains` is what
    `nft -j list chains` prints; `host_ids` are (first id, count, whose) that the host has given out.
    `leftovers` are interfaces and firewall tables of stacks that are not there, `overlaps` routes that lead a stack's
    packets elsewhere.
    """

    kernel: str
    user_id: int
    mountinfo: str
    filesystems: str
    unified_controllers: str = ""
    max_user_namespaces: str = ""
    libraries: Mapping[str, bool] = {}
    programs: Mapping[str, bool] = {}
    ip_forward: str = ""
    chains: str = ""
    resolv_conf: str = ""
    data_file_system: str = ""
    free_bytes: int = 0
    host_ids: tuple[tuple[int, int, str], ...] = ()
    leftovers: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()


def examine(machine: Machine) -> tuple[Finding, ...]:
    """All findings, the essential ones first."""
    return (
        _root(machine),
        _kernel(machine),
        _user_namespaces(machine),
        _overlay(machine),
        _cgroups(machine),
        *_libraries(machine),
        _data(machine),
        _room(machine),
        _ids(machine),
        _forwarding(machine),
        _forward_policy(machine),
        _leftovers(machine),
        _overlaps(machine),
        _nameservers(machine),
        *_programs(machine),
    )


def _finding(subject: str, state: State, found: str, why: str, mend: str = "") -> Finding:
    return Finding(subject=subject, state=state, found=found, why=why, mend="" if state == "ok" else mend)


def _root(machine: Machine) -> Finding:
    return _finding(
        "root",
        "missing" if machine.user_id else "ok",
        f"user id {machine.user_id}",
        "namespaces, mounts and networks are made by root; running without it is not supported yet",
        "run windlass with sudo",
    )


def _kernel(machine: Machine) -> Finding:
    version = kernel_version(machine.kernel)
    if version < OLDEST_KERNEL:
        return _finding(
            "kernel",
            "missing",
            machine.kernel,
            "overlay roots over layers with mapped ids came with Linux 5.19",
            "boot a newer kernel (Debian 12, Ubuntu 24.04 and later have one)",
        )
    state: State = "ok" if version >= EXIT_RECORDS_KERNEL else "advice"
    return _finding(
        "kernel",
        state,
        machine.kernel,
        "from Linux 6.15 on, exit codes of containers that end while no supervisor lives are known, too",
        "nothing has to be done; a newer kernel knows more",
    )


def kernel_version(release: str) -> tuple[int, int]:
    """The first two numbers of a release ("6.1.0-18-amd64")."""
    major, minor, *_ = (*release.replace("-", ".").split("."), "0")
    return int(major), int("".join(mark for mark in minor if mark.isdigit()) or 0)


def _user_namespaces(machine: Machine) -> Finding:
    allowed = machine.max_user_namespaces.strip()
    return _finding(
        "user namespaces",
        "missing" if allowed in {"", "0"} else "ok",
        f"at most {allowed}" if allowed else "not in this kernel",
        "root inside a container is nobody on the host",
        "sysctl user.max_user_namespaces=65536",
    )


def _overlay(machine: Machine) -> Finding:
    there = "overlay" in machine.filesystems.split()
    return _finding(
        "overlay",
        "ok" if there else "missing",
        "in the kernel" if there else "not loaded",
        "containers share their image's layers and write to a layer of their own",
        "modprobe overlay",
    )


def _cgroups(machine: Machine) -> Finding:
    trees = find_hierarchies(machine.mountinfo)
    unified = set(machine.unified_controllers.split())
    lacking = [name for name in CONTROLLERS if name not in trees.by_controller and name not in unified]
    kind = "hybrid (v1 and v2)" if trees.by_controller and trees.unified else "v1" if trees.by_controller else "v2"
    found = kind if trees.by_controller or trees.unified else "none"
    if lacking:
        found = f"{found}, without {', '.join(lacking)}"
    return _finding(
        "control groups",
        "missing" if found.startswith("none") else "advice" if lacking else "ok",
        found,
        "limits of memory, processes and cpu are kept by control groups",
        "mount /sys/fs/cgroup, or enable the controllers on the kernel's command line (cgroup_enable=memory)",
    )


def _libraries(machine: Machine) -> Iterator[Finding]:
    why = {
        "libseccomp.so.2": ("libseccomp2", "every container runs behind a filter of system calls"),
        "libnftables.so.1": ("libnftables1", "published ports and isolation are rules of nftables"),
    }
    for library, (package, reason) in why.items():
        there = machine.libraries.get(library, False)
        state: State = "ok" if there else "missing"
        if library.startswith("libnftables") and machine.programs.get("nft") and not there:
            state = "advice"
        yield _finding(library, state, "there" if there else "not found", reason, f"apt install {package}")


def _data(machine: Machine) -> Finding:
    kind = machine.data_file_system
    return _finding(
        "data directory",
        "ok" if kind in IDMAPPED_FILE_SYSTEMS else "missing",
        kind or "unknown",
        "layers and volumes are shown to containers with mapped ids, which not every file system can do",
        f"use a data root on one of: {', '.join(sorted(IDMAPPED_FILE_SYSTEMS))} (WINDLASS_DATA_ROOT)",
    )


def _room(machine: Machine) -> Finding:
    return _finding(
        "room",
        "ok" if machine.free_bytes >= ROOM_BYTES else "advice",
        f"{machine.free_bytes / (1 << 30):.1f} GiB free",
        "images, volumes and logs grow",
        "free some, or use another data root (WINDLASS_DATA_ROOT)",
    )


def _ids(machine: Machine) -> Finding:
    taken = [
        f"{whose} ({first}-{first + count - 1})"
        for first, count, whose in machine.host_ids
        if first <= idranges.LAST and first + count > idranges.FIRST
    ]
    return _finding(
        "ids",
        "advice" if taken else "ok",
        f"also given to {', '.join(taken)}" if taken else f"{idranges.FIRST}-{idranges.LAST} are free",
        "each container's users are mapped to host ids that nobody else should have",
        "move those users' ids or /etc/subuid entries elsewhere",
    )


def _forwarding(machine: Machine) -> Finding:
    on = machine.ip_forward.strip() == "1"
    return _finding(
        "forwarding",
        "ok" if on else "advice",
        "on" if on else "off",
        "packets between containers and the world pass through this machine",
        "nothing has to be done: the first stack switches net.ipv4.ip_forward on, and it stays on",
    )


def _forward_policy(machine: Machine) -> Finding:
    dropping = forward_drops(machine.chains)
    return _finding(
        "firewall",
        "advice" if dropping else "ok",
        f"{', '.join(dropping)} drops what it does not know" if dropping else "no other table drops forwarded packets",
        "a chain that drops forwarded packets (Docker makes one) also drops those of stacks: neither published ports "
        "nor the way out work then",
        "let packets of links named windl* pass, with Docker: iptables -I DOCKER-USER -i windl+ -j ACCEPT; "
        "iptables -I DOCKER-USER -o windl+ -j ACCEPT",
    )


def forward_drops(chains: str) -> tuple[str, ...]:
    """The chains, not ours, that drop forwarded packets by policy, as `nft -j list chains` shows them."""
    try:
        entries: list[dict[str, Any]] = json.loads(chains)["nftables"]
    except (ValueError, KeyError, TypeError):
        return ()
    found = [entry["chain"] for entry in entries if "chain" in entry]
    return tuple(
        f"{chain['family']} {chain['table']} {chain['name']}"
        for chain in found
        if chain.get("hook") == "forward"
        and chain.get("policy") == "drop"
        and not chain["table"].startswith("windlass")
    )


def _leftovers(machine: Machine) -> Finding:
    return _finding(
        "leftovers",
        "advice" if machine.leftovers else "ok",
        ", ".join(machine.leftovers) or "none of stacks that are gone",
        "no stack of this installation has them: its directory was removed by hand, or they are another installation's",
        "if no other installation runs: nft delete table ip NAME, and ip link delete NAME",
    )


def _overlaps(machine: Machine) -> Finding:
    return _finding(
        "routes",
        "advice" if machine.overlaps else "ok",
        "; ".join(machine.overlaps) or "none crosses a stack's network",
        "what is sent to those containers goes elsewhere: the route came after the stack (a VPN, perhaps)",
        "take the stack down and up again: it chooses another subnet; or give the network one under `ipam`",
    )


def _nameservers(machine: Machine) -> Finding:
    servers = [
        words[1]
        for words in map(str.split, machine.resolv_conf.splitlines())
        if len(words) > 1 and words[0] == "nameserver"
    ]
    return _finding(
        "name servers",
        "ok" if servers else "advice",
        ", ".join(servers) or "none in /etc/resolv.conf",
        "names that are no service's are asked of the machine's own name servers",
        "write a nameserver line into /etc/resolv.conf",
    )


def _programs(machine: Machine) -> Iterator[Finding]:
    groups = (
        (("mmdebstrap", "debootstrap"), "images named debootstrap:SUITE are made with it", "mmdebstrap"),
        (("tini-static", "catatonit"), "services with `init: true` run under it", "tini"),
        (("nft",), "it stands in for libnftables and shows the rules", "nftables"),
    )
    for names, why, package in groups:
        there = [name for name in names if machine.programs.get(name)]
        yield _finding(
            " or ".join(names),
            "ok" if there else "advice",
            ", ".join(there) or "not found",
            why,
            f"apt install {package}",
        )
