"""Bounds what containers may use, one control group for each in every hierarchy that helps.

Limits are set where the controllers are, on cgroup v2 or v1. A v2 directory is made on every host that has the
hierarchy, with or without controllers: killing and counting work there.
"""

import os
import select
from collections.abc import Mapping
from pathlib import Path
from signal import SIGKILL
from typing import Literal, NamedTuple

from engine import syscalls
from engine.errors import EngineError
from engine.spec import Limits
from engine.syscalls import Clone

_CONTROLLERS = ("memory", "cpu", "pids")
_PERIOD_MICROSECONDS = 100_000
_FEWEST_PIDS = 4096
_MOST_PIDS = 8192
_RESERVED_BYTES = 512 << 20
_EMPTY_MILLISECONDS = 2000


class Hierarchies(NamedTuple):
    """Where the control groups are: the v2 tree if there is one, and a v1 tree by controller."""

    unified: Path | None
    by_controller: Mapping[str, Path]


def find_hierarchies(mountinfo: str) -> Hierarchies:
    """Reads the trees from the text of /proc/self/mountinfo; see proc_pid_mountinfo(5)."""
    unified: Path | None = None
    by_controller: dict[str, Path] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        place = Path(before.split()[4])
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup2":
            unified = unified or place
        elif kind == "cgroup":
            for option in options.split()[-1].split(","):
                if option in _CONTROLLERS:
                    by_controller.setdefault(option, place)
    return Hierarchies(unified, by_controller)


def cgroup_files(limits: Limits, version: Literal[1, 2], pid_max: int) -> dict[str, str]:
    """What to write into which file of a control group, in this order. `pid_max` is the host's kernel.pid_max."""
    files: dict[str, str] = {}
    if limits.memory_bytes is not None:
        memory = limits.memory_bytes
        # As much swap again as memory is what Compose's users get from a memory limit alone.
        if version == 2:
            files |= {"memory.max": str(memory), "memory.swap.max": str(memory)}
        else:
            files |= {"memory.limit_in_bytes": str(memory), "memory.memsw.limit_in_bytes": str(2 * memory)}
    if limits.cpus is not None:
        quota = max(1000, round(limits.cpus * _PERIOD_MICROSECONDS))
        if version == 2:
            files["cpu.max"] = f"{quota} {_PERIOD_MICROSECONDS}"
        else:
            files |= {"cpu.cfs_period_us": str(_PERIOD_MICROSECONDS), "cpu.cfs_quota_us": str(quota)}
    pids = limits.pids if limits.pids is not None else min(max(pid_max // 4, _FEWEST_PIDS), _MOST_PIDS)
    files["pids.max"] = "max" if pids < 0 else str(pids)
    return files


class Cgroup:
    """One container's control groups. `unified` is its v2 directory, if the host has such a tree."""

    def __init__(self, unified: Path | None, by_controller: Mapping[str, Path]) -> None:
        self.unified = unified
        self._by_controller = by_controller

    @property
    def directories(self) -> tuple[Path, ...]:
        """Every directory once."""
        own = () if self.unified is None else (self.unified,)
        return (*own, *dict.fromkeys(self._by_controller.values()))

    def directory_of(self, controller: str) -> Path:
        """Where the controller's files are."""
        return self._by_controller[controller]

    def clone(self, flags: Clone) -> tuple[int, int]:
        """Makes a process that is born in the v2 directory; see `syscalls.clone3`. `join` does the rest."""
        if self.unified is None:
            return syscalls.clone3(flags)
        directory_fd = os.open(self.unified, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return syscalls.clone3(flags, cgroup=directory_fd)
        finally:
            os.close(directory_fd)

    def join(self, pid: int) -> None:
        """Moves a process into the v1 directories; it was born in the v2 one."""
        for directory in dict.fromkeys(self._by_controller.values()):
            if directory != self.unified:
                _write(directory / "cgroup.procs", str(pid))

    def kill(self) -> None:
        """Sends SIGKILL to every process in it."""
        if self.unified is not None:
            try:
                _write(self.unified / "cgroup.kill", "1")
            except FileNotFoundError:  # no such group any more, or Linux before 5.14
                pass
            else:
                return
        for pid in self._pids():
            try:
                os.kill(pid, SIGKILL)
            except ProcessLookupError:
                continue

    def oom_kills(self) -> int:
        """How many of its processes the kernel killed for want of memory."""
        directory = self._by_controller.get("memory")
        if directory is None:
            return 0
        for name in ("memory.events", "memory.oom_control"):
            try:
                text = (directory / name).read_text()
            except FileNotFoundError:
                continue
            for line in text.splitlines():
                key, _, value = line.partition(" ")
                if key == "oom_kill":
                    return int(value)
        return 0

    def remove(self) -> None:
        """Removes the directories, waiting for the ends of killed processes; EngineError when some live on."""
        for directory in self.directories:
            try:
                directory.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                self._wait_until_empty()
                _remove_tree(directory)

    def _pids(self) -> tuple[int, ...]:
        for directory in self.directories:
            try:
                return tuple(int(line) for line in (directory / "cgroup.procs").read_text().split())
            except FileNotFoundError:
                continue
        return ()

    def _wait_until_empty(self) -> None:
        for pid in self._pids():
            try:
                pidfd = os.pidfd_open(pid)
            except (ProcessLookupError, ValueError):
                continue
            try:
                poll = select.poll()
                poll.register(pidfd, select.POLLIN)
                poll.poll(_EMPTY_MILLISECONDS)
            finally:
                os.close(pidfd)


class Cgroups:
    """The control groups of one stack, under windlass/<label>/ in every hierarchy."""

    def __init__(self, label: str, hierarchies: Hierarchies | None = None) -> None:
        found = hierarchies or find_hierarchies(Path("/proc/self/mountinfo").read_text())
        self._label = label
        self._unified = found.unified
        self._by_controller = dict(found.by_controller)
        self._versions: dict[str, Literal[1, 2]] = dict.fromkeys(self._by_controller, 1)
        self._pid_max = int(Path("/proc/sys/kernel/pid_max").read_text())
        if found.unified is not None:
            there = (found.unified / "cgroup.controllers").read_text().split()
            for controller in _CONTROLLERS:
                if controller in there and controller not in self._by_controller:
                    self._by_controller[controller] = found.unified
                    self._versions[controller] = 2

    def make(self, container_id: str, limits: Limits) -> Cgroup:
        """Makes a container's control groups with its limits, or brings existing ones up to them."""
        cgroup = self.find(container_id)
        for directory in cgroup.directories:
            try:
                directory.mkdir(exist_ok=True)
            except FileNotFoundError:
                self._make_parents()
                directory.mkdir(exist_ok=True)
        wanted: dict[Literal[1, 2], dict[str, str]] = {
            version: cgroup_files(limits, version, self._pid_max) for version in set(self._versions.values())
        }
        for controller, version in self._versions.items():
            for name, value in wanted[version].items():
                if name.startswith(controller + "."):
                    self._limit(cgroup, controller, name, value)
        self._check(limits)
        return cgroup

    def find(self, container_id: str) -> Cgroup:
        """A container's control groups, made or not."""
        below = f"windlass/{self._label}/{container_id[:12]}"
        unified = None if self._unified is None else self._unified / below
        return Cgroup(unified, {controller: root / below for controller, root in self._by_controller.items()})

    def remove_all(self) -> None:
        """Removes the stack's directories, and the one above when it was the last stack."""
        for root in self._roots():
            stack = root / "windlass" / self._label
            if stack.exists():
                _remove_tree(stack)
            try:
                stack.parent.rmdir()
            except OSError:
                continue

    def _roots(self) -> tuple[Path, ...]:
        own = () if self._unified is None else (self._unified,)
        return tuple(dict.fromkeys((*own, *self._by_controller.values())))

    def _make_parents(self) -> None:
        for root in self._roots():
            ours = [controller for controller, place in self._by_controller.items() if place == root]
            for directory in (root, root / "windlass", root / "windlass" / self._label):
                directory.mkdir(exist_ok=True)
                if root == self._unified and ours:
                    _enable(directory, ours)
        memory = self._by_controller.get("memory")
        if memory is not None:
            # The whole stack leaves the host enough to be repaired from, whatever its services do.
            total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
            name = "memory.max" if self._versions["memory"] == 2 else "memory.limit_in_bytes"
            bound = total - max(_RESERVED_BYTES, total // 20)
            if bound > 0:
                _write(memory / "windlass" / self._label / name, str(bound))

    def _limit(self, cgroup: Cgroup, controller: str, name: str, value: str) -> None:
        try:
            _write(cgroup.directory_of(controller) / name, value)
        except OSError as error:
            if "swap" in name or "memsw" in name:  # kernels without swap accounting have no such file
                return
            raise EngineError(f"cannot limit {controller}: {name} = {value}: {error.strerror}") from error

    def _check(self, limits: Limits) -> None:
        wanted = {"memory": limits.memory_bytes, "cpu": limits.cpus, "pids": limits.pids}
        for controller, value in wanted.items():
            if value is not None and controller not in self._by_controller:
                raise EngineError(
                    f"cannot limit {controller}: this host has no such cgroup controller",
                    hint="mount it below /sys/fs/cgroup, or remove the limit",
                )


def _enable(directory: Path, controllers: list[str]) -> None:
    enabled = (directory / "cgroup.subtree_control").read_text().split()
    missing = [controller for controller in controllers if controller not in enabled]
    if missing:
        _write(directory / "cgroup.subtree_control", " ".join("+" + controller for controller in missing))


def _remove_tree(directory: Path) -> None:
    for entry in os.scandir(directory):
        if entry.is_dir(follow_symlinks=False):
            _remove_tree(Path(entry.path))
    try:
        directory.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        raise EngineError(f"cannot remove the control group {directory}: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
