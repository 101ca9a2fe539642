"""Counts the memory of a contender and of all it starts by the kernel's own accounts, whatever else the machine does.

Commands run in a memory group of their own, so that the kernel charges to it what they and their children make: pages,
stacks, page tables, inodes, and the structures of namespaces and links. Containers are moved into groups that the
contender makes; those are counted, too. Files in the page cache are left out: the kernel takes them back when it likes.
`machine_kib` sees what everybody else does, too, and is there for comparison.
"""

import select
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

VERSION_1 = Path("/sys/fs/cgroup/memory")
VERSION_2 = Path("/sys/fs/cgroup")
ENDING_SECONDS = 5.0
CHARGED = ("Slab", "KernelStack", "PageTables", "Percpu", "AnonPages", "Shmem")


class Account:
    """A memory group for a contender's commands (and daemons), beside groups of containers given by path pattern."""

    def __init__(self, containers: str) -> None:
        self._hierarchy = VERSION_1 if (VERSION_1 / "memory.stat").exists() else VERSION_2
        self._containers = containers
        if self._hierarchy == VERSION_2:
            (VERSION_2 / "cgroup.subtree_control").write_text("+memory")
        self._group = Path(tempfile.mkdtemp(prefix="wlbench-", dir=self._hierarchy))

    def run(self, argv: Iterable[str], environment: dict[str, str]) -> None:
        """Runs a command on this account; what it leaves running stays on it."""
        enter = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
        subprocess.run(
            ["sh", "-c", enter, self._group, *argv], env=environment, check=True, capture_output=True, cwd="/"
        )

    def adopt(self, pids: Iterable[int]) -> None:
        """From now on, charges to it what these processes (daemons) make."""
        for pid in pids:
            (self._group / "cgroup.procs").write_text(str(pid))

    def kib(self) -> int:
        """What is charged now, without files in the page cache."""
        groups = (self._group, *self._hierarchy.glob(self._containers))
        return sum(_kib(group) for group in groups)

    def close(self) -> None:
        """Gives the group up; what still runs in it goes back to the top."""
        deadline = time.monotonic() + ENDING_SECONDS
        while True:
            for pid in (self._group / "cgroup.procs").read_text().split():
                with suppress(ProcessLookupError):
                    (self._hierarchy / "cgroup.procs").write_text(pid)
            try:
                self._group.rmdir()
            except OSError:  # a process is just ending in it
                if time.monotonic() > deadline:
                    raise
                select.select([], [], [], 0.05)
            else:
                return


def machine_kib() -> int:
    """What the whole machine uses for processes, kernel structures and memory file systems."""
    fields = (line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return sum(int(value.split()[0]) for name, value in fields if name in CHARGED)


def _kib(group: Path) -> int:
    values = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    if (group / "memory.usage_in_bytes").exists():
        used = int((group / "memory.usage_in_bytes").read_text())
        files = int(values["total_cache"]) - int(values.get("total_shmem", 0))
    else:
        used = int((group / "memory.current").read_text())
        files = int(values["file"]) - int(values["shmem"])
    return (used - files) // 1024
