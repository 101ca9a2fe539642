"""What a container uses: processor time, memory, traffic of networks and disks, processes.

Everything is read from the kernel's files, on cgroup v2, v1 and both at once: cgroups(7), proc(5).
"""

# ruff: noqa: PTH110, PTH123

import os
from collections.abc import Iterable
from typing import NamedTuple

from engine.cgroups import Cgroup


class Usage(NamedTuple):
    """Sums since the container was started, but for memory and processes, which are of now.

    `memory_bytes` leaves out pages of files that the kernel would drop first.
    """

    processor_ns: int = 0
    memory_bytes: int = 0
    memory_limit_bytes: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    processes: int = 0


def read_usage(cgroup: Cgroup, *, pid: int, own_network: bool) -> Usage:
    """A running container's usage, `pid` its first process; what cannot be read counts as nothing."""
    memory = _memory(cgroup)
    pids = cgroup.pids()
    read, written = _disks(cgroup, pids)
    received, sent = network_traffic(_read(f"/proc/{pid}/net/dev")) if own_network else (0, 0)
    return Usage(
        processor_ns=_processor_ns(cgroup),
        memory_bytes=memory,
        memory_limit_bytes=_memory_limit(cgroup),
        received_bytes=received,
        sent_bytes=sent,
        read_bytes=read,
        written_bytes=written,
        processes=_number(_file(cgroup, "pids", "pids.current")) or len(pids),
    )


def network_traffic(text: str) -> tuple[int, int]:
    """Bytes received and sent, of the text of /proc/PID/net/dev, without the loopback."""
    received = sent = 0
    for line in text.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        if name.strip() != "lo":
            columns = numbers.split()
            received += int(columns[0])
            sent += int(columns[8])
    return received, sent


def disk_traffic(text: str) -> tuple[int, int]:
    """Bytes read and written, of the text of io.stat (v2) or blkio.throttle.io_service_bytes (v1)."""
    read = written = 0
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[1] in {"Read", "Write"}:
            words = [words[0], f"{'r' if words[1] == 'Read' else 'w'}bytes={words[2]}"]
        for word in words[1:]:
            key, _, value = word.partition("=")
            read += int(value) if key == "rbytes" else 0
            written += int(value) if key == "wbytes" else 0
    return read, written


def value_of(text: str, key: str) -> int:
    """The number behind a key, of a text with a pair a line; 0 for none."""
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name.rstrip(":") == key:
            return int(value)
    return 0


def _processor_ns(cgroup: Cgroup) -> int:
    if cgroup.unified is not None:  # the file is there with and without the controller
        return value_of(_read(f"{cgroup.unified}/cpu.stat"), "usage_usec") * 1000
    return _number(_file(cgroup, "cpu", "cpuacct.usage"))


def _memory(cgroup: Cgroup) -> int:
    used = _number(_file(cgroup, "memory", "memory.current") or _file(cgroup, "memory", "memory.usage_in_bytes"))
    details = _file(cgroup, "memory", "memory.stat")
    return max(0, used - (value_of(details, "total_inactive_file") or value_of(details, "inactive_file")))


def _memory_limit(cgroup: Cgroup) -> int:
    """The container's limit, or what the machine has."""
    limit = _number(_file(cgroup, "memory", "memory.max") or _file(cgroup, "memory", "memory.limit_in_bytes"))
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(limit, total) if limit else total


def _disks(cgroup: Cgroup, pids: Iterable[int]) -> tuple[int, int]:
    """What the control group counts; where none does, what its living processes have read and written."""
    for controller, name in (("io", "io.stat"), ("blkio", "blkio.throttle.io_service_bytes")):
        directory = _directory(cgroup, controller)
        if directory is not None and os.path.exists(f"{directory}/{name}"):
            return disk_traffic(_read(f"{directory}/{name}"))
    texts = [_read(f"/proc/{pid}/io") for pid in pids]
    return sum(value_of(text, "read_bytes") for text in texts), sum(value_of(text, "write_bytes") for text in texts)


def _file(cgroup: Cgroup, controller: str, name: str) -> str:
    directory = _directory(cgroup, controller)
    return "" if directory is None else _read(f"{directory}/{name}")


def _directory(cgroup: Cgroup, controller: str) -> str | None:
    """Where the controller's files are; None on a host without it."""
    try:
        return cgroup.directory_of(controller)
    except KeyError:
        return None


def _number(text: str) -> int:
    text = text.strip()
    return int(text) if text.isdigit() else 0


def _read(path: str) -> str:
    """A file's text; empty when there is none, or it has gone with its process."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
