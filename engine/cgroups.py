"""Bounds what containers may use, one control group for each in every hierarchy that helps.

Limits are set where the controllers are, on cgroup v2 or v1. A v2 directory is made on every host that has the
hierarchy, with or without controllers: killing and counting work there.

Paths are plain text here: they are made and written by the dozen at every start.
"""

# ruff: noqa: PTH102, PTH103, PTH106, PTH112, PTH123

import os
import select
from collections.abc import Mapping
from errno import ENOENT
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
    """One container's control groups: the directories that it has, or would have, in each hierarchy."""

    def __init__(self, unified: str | None, by_controller: Mapping[str, str]) -> None:
        self._unified = unified
        self._by_controller = by_controller
        self._version1 = tuple(directory for directory in by_controller.values() if directory != unified)

    @property
    def unified(self) -> str | None:
        """Its v2 directory, on a host that has the hierarchy."""
        return self._unified

    @property
    def directories(self) -> tuple[str, ...]:
        """Every directory once, whether it was made or not; the v2 one first."""
        own = () if self._unified is None else (self._unified,)
        return tuple(dict.fromkeys((*own, *self._version1)))

    def directory_of(self, controller: str) -> str:
        """Where the controller's files are."""
        return self._by_controller[controller]

    def clone(self, flags: Clone) -> tuple[int, int]:
        """Makes a process that is born in the v2 directory; see `syscalls.clone3`. `join` does the rest."""
        if self._unified is None:
            return syscalls.clone3(flags)
        directory_fd = os.open(self._unified, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return syscalls.clone3(flags, cgroup=directory_fd)
        finally:
            os.close(directory_fd)

    def join(self, pid: int) -> None:
        """Moves a process into the v1 directories that were made; it was born in the v2 one."""
        for directory in self._version1:
            try:
                _write(f"{directory}/cgroup.procs", str(pid))
            except FileNotFoundError:  # nothing to limit there
                continue

    def kill(self) -> None:
        """Sends SIGKILL to every process in it."""
        if self._unified is not None:
            try:
                _write(f"{self._unified}/cgroup.kill", "1")
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
                text = _read(f"{directory}/{name}")
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
                os.rmdir(directory)
            except FileNotFoundError:
                continue
            except OSError:
                self._wait_until_empty()
                _remove_tree(directory)

    def _pids(self) -> tuple[int, ...]:
        for directory in self.directories:
            try:
                return tuple(int(line) for line in _read(f"{directory}/cgroup.procs").split())
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
        found = hierarchies or find_hierarchies(_read("/proc/self/mountinfo"))
        self.label = label
        self._below = f"windlass/{label}"
        self._unified = None if found.unified is None else str(found.unified)
        self._by_controller = {controller: str(root) for controller, root in found.by_controller.items()}
        self._versions: dict[str, Literal[1, 2]] = dict.fromkeys(self._by_controller, 1)
        self._pid_max = int(_read("/proc/sys/kernel/pid_max"))
        if self._unified is not None:
            there = _read(f"{self._unified}/cgroup.controllers").split()
            for controller in _CONTROLLERS:
                if controller in there and controller not in self._by_controller:
                    self._by_controller[controller] = self._unified
                    self._versions[controller] = 2

    def make(self, container_id: str, limits: Limits) -> Cgroup:
        """Makes a container's control groups with its limits, or brings existing ones up to them."""
        self._check(limits)
        try:
            return self._make(container_id, limits)
        except FileNotFoundError:  # the first container, or the directories above were only half made
            self._make_parents()
        try:
            return self._make(container_id, limits)
        except FileNotFoundError as error:
            raise EngineError(f"this kernel has no {error.filename}", hint="remove the limit that needs it") from error

    def _make(self, container_id: str, limits: Limits) -> Cgroup:
        cgroup = self.find(container_id)
        unneeded = {self._by_controller.get("cpu")} if limits.cpus is None else set()
        for root in self._roots():
            if root == self._unified or root not in unneeded:
                _make_directory(f"{root}/{self._below}/{container_id[:12]}")
        for controller, version in self._versions.items():
            for name, value in cgroup_files(limits, version, self._pid_max).items():
                if name.startswith(controller):
                    self._limit(cgroup, controller, name, value)
        return cgroup

    def find(self, container_id: str) -> Cgroup:
        """A container's control groups, made or not."""
        below = f"{self._below}/{container_id[:12]}"
        unified = None if self._unified is None else f"{self._unified}/{below}"
        return Cgroup(unified, {controller: f"{root}/{below}" for controller, root in self._by_controller.items()})

    def container_ids(self) -> frozenset[str]:
        """The first twelve digits of the ids of those that have control groups."""
        found: set[str] = set()
        for root in self._roots():
            try:
                with os.scandir(f"{root}/{self._below}") as entries:
                    found.update(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
            except FileNotFoundError:
                continue
        return frozenset(found)

    def exist(self) -> bool:
        """Whether the stack has any directory."""
        return any(os.path.isdir(f"{root}/{self._below}") for root in self._roots())

    def remove_all(self) -> None:
        """Removes the stack's directories, and the one above when it was the last stack."""
        for root in self._roots():
            _remove_tree(f"{root}/{self._below}")
            try:
                os.rmdir(f"{root}/windlass")
            except OSError:
                continue

    def _roots(self) -> tuple[str, ...]:
        own = () if self._unified is None else (self._unified,)
        return tuple(dict.fromkeys((*own, *self._by_controller.values())))

    def _make_parents(self) -> None:
        for root in self._roots():
            ours = [controller for controller, place in self._by_controller.items() if place == root]
            for directory in (root, f"{root}/windlass", f"{root}/{self._below}"):
                os.makedirs(directory, exist_ok=True)
                if root == self._unified and ours:
                    _enable(directory, ours)
        memory = self._by_controller.get("memory")
        if memory is not None:
            # The whole stack leaves the host enough to be repaired from, whatever its services do.
            total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
            name = "memory.max" if self._versions["memory"] == 2 else "memory.limit_in_bytes"
            bound = total - max(_RESERVED_BYTES, total // 20)
            if bound > 0:
                _write(f"{memory}/{self._below}/{name}", str(bound))

    def _limit(self, cgroup: Cgroup, controller: str, name: str, value: str) -> None:
        try:
            _write(f"{cgroup.directory_of(controller)}/{name}", value)
        except OSError as error:
            if "swap" in name or "memsw" in name:  # kernels without swap accounting have no such file
                return
            if error.errno == ENOENT:
                raise
            raise EngineError(f"cannot limit {controller}: {name} = {value}: {error.strerror}") from error

    def _check(self, limits: Limits) -> None:
        wanted = {"memory": limits.memory_bytes, "cpu": limits.cpus, "pids": limits.pids}
        for controller, value in wanted.items():
            if value is not None and controller not in self._by_controller:
                raise EngineError(
                    f"cannot limit {controller}: this host has no such cgroup controller",
                    hint="mount it below /sys/fs/cgroup, or remove the limit",
                )


def _make_directory(directory: str) -> None:
    try:
        os.mkdir(directory)
    except FileExistsError:
        return


def _enable(directory: str, controllers: list[str]) -> None:
    enabled = _read(f"{directory}/cgroup.subtree_control").split()
    missing = [controller for controller in controllers if controller not in enabled]
    if missing:
        _write(f"{directory}/cgroup.subtree_control", " ".join("+" + controller for controller in missing))


def _remove_tree(directory: str) -> None:
    try:
        with os.scandir(directory) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        for path in below:
            _remove_tree(path)
        os.rmdir(directory)
    except FileNotFoundError:
        return
    except OSError as error:
        raise EngineError(f"cannot remove the control group {directory}: {error.strerror}") from error


def _read(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
