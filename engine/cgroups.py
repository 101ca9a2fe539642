"""Bounds what containers may use, one control group for each in every hierarchy that helps.

Limits are set where the controllers are, on cgroup v2 or v1. A v2 directory is made on every host that has the
hierarchy, with or without controllers: killing and counting work there.

Paths are plain text here: they are made and written by the dozen at every start.
"""

# ruff: noqa: PTH103, PTH106, PTH112

import os
import select
import time
from collections.abc import Iterable, Mapping, Sequence
from errno import ENOENT
from pathlib import Path
from signal import SIGKILL
from typing import Literal, NamedTuple

from engine import cgroup_tree as tree
from engine import device_filter, syscalls
from engine.cgroup_files import cgroup_files
from engine.errors import EngineError, StateError
from engine.spec import Limits
from engine.syscalls import Clone

_CONTROLLERS = ("memory", "cpu", "pids", "cpuset", "blkio", "io")
_ALWAYS = ("memory", "pids")  # what is counted there is asked for, whatever the limits
# A control group that was made for `cgroup_parent` carries this mark: it goes when the last container in it has gone.
DeviceRules = Sequence[str] | None
_RESERVED_BYTES = 512 << 20
_EMPTY_SECONDS = 2.0


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


class Cgroup:
    """One container's control groups: the directories that it has, or would have, in each hierarchy."""

    def __init__(self, unified: str | None, by_controller: Mapping[str, str]) -> None:
        self._unified = unified
        self._by_controller = by_controller
        self._version1 = tuple(directory for directory in by_controller.values() if directory != unified)
        self.above: tuple[str, ...] = ()

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
        try:
            directory_fd = os.open(self._unified, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise StateError(
                f"the control group {self._unified} is gone", hint="windlass restart makes the container's anew"
            ) from None
        try:
            return syscalls.clone3(flags, cgroup=directory_fd)
        finally:
            os.close(directory_fd)

    def join(self, pid: int) -> None:
        """Moves a process into the v1 directories that were made; it was born in the v2 one."""
        for directory in self._version1:
            try:
                tree.write(f"{directory}/cgroup.procs", str(pid))
            except FileNotFoundError:  # nothing to limit there
                continue

    def kill(self) -> None:
        """Sends SIGKILL to every process in it."""
        if self._unified is not None:
            try:
                tree.write(f"{self._unified}/cgroup.kill", "1")
            except FileNotFoundError:  # no such group any more, or Linux before 5.14
                pass
            else:
                return
        for pid in self.pids():
            try:
                os.kill(pid, SIGKILL)
            except ProcessLookupError:
                continue

    def refused_forks(self) -> int:
        """How often the limit of processes has kept one from being made; 0 where nobody counts."""
        directory = self._by_controller.get("pids")
        try:
            events = "" if directory is None else Path(directory, "pids.events").read_text()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in events.splitlines() if line.startswith("max ")), 0)

    def oom_kills(self) -> int:
        """How many of its processes the kernel killed for want of memory."""
        directory = self._by_controller.get("memory")
        if directory is None:
            return 0
        for name in ("memory.events", "memory.oom_control"):
            try:
                text = tree.read(f"{directory}/{name}")
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
                tree.remove_tree(directory)
        for directory in self.above:
            tree.remove_marked(directory)

    def pids(self) -> tuple[int, ...]:
        """Its processes, by the host's numbers."""
        for directory in self.directories:
            try:
                return tuple(int(line) for line in tree.read(f"{directory}/cgroup.procs").split())
            except FileNotFoundError:
                continue
        return ()

    def _wait_until_empty(self) -> None:
        deadline = time.monotonic() + _EMPTY_SECONDS
        for pid in self.pids():
            try:
                pidfd = os.pidfd_open(pid)
            except (ProcessLookupError, ValueError):
                continue
            try:
                poll = select.poll()
                poll.register(pidfd, select.POLLIN)
                poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            finally:
                os.close(pidfd)


class Cgroups:
    """The control groups of one stack, under windlass/<label>/ in every hierarchy."""

    def __init__(self, label: str, hierarchies: Hierarchies | None = None) -> None:
        found = hierarchies or find_hierarchies(tree.read("/proc/self/mountinfo"))
        self.label = label
        self._below = f"windlass/{label}"
        self._unified = None if found.unified is None else str(found.unified)
        self._by_controller = {controller: str(root) for controller, root in found.by_controller.items()}
        self._versions: dict[str, Literal[1, 2]] = dict.fromkeys(self._by_controller, 1)
        self._pid_max = int(tree.read("/proc/sys/kernel/pid_max"))
        if self._unified is not None:
            there = tree.read(f"{self._unified}/cgroup.controllers").split()
            for controller in _CONTROLLERS:
                if controller in there and controller not in self._by_controller:
                    self._by_controller[controller] = self._unified
                    self._versions[controller] = 2

    def make(self, container_id: str, limits: Limits, *, parent: str = "", devices: DeviceRules = None) -> Cgroup:
        """Makes a container's control groups with its limits, or brings existing ones up to them.

        `parent` is a control group to make them in instead of the stack's own (`cgroup_parent`). `devices` are the
        only ones that its processes may use, None is no such rule.
        """
        files = {
            version: cgroup_files(limits, version, self._pid_max) for version in sorted(set(self._versions.values()))
        }
        needed = {name.partition(".")[0] for written in files.values() for name in written}
        self._check(limits, needed)
        roots = self._roots({*needed, *_ALWAYS})
        cgroup = self.find(container_id, parent)
        try:
            self._make(cgroup, roots, files, self._place(container_id, parent))
        except FileNotFoundError:  # the first container, or the directories above were only half made
            self._make_parents(roots, parent)
            try:
                self._make(cgroup, roots, files, self._place(container_id, parent))
            except FileNotFoundError as error:
                raise EngineError(
                    f"this kernel has no {error.filename}", hint="remove the limit that needs it"
                ) from error
        if devices is not None:
            self._allow_devices(cgroup, devices)
        return cgroup

    def _make(
        self, cgroup: Cgroup, roots: Sequence[str], files: Mapping[Literal[1, 2], Mapping[str, str]], below: str
    ) -> None:
        for root in roots:
            tree.make_directory(f"{root}/{below}")
        for controller, version in self._versions.items():
            chosen = [(name, value) for name, value in files[version].items() if name.startswith(f"{controller}.")]
            if chosen and controller == "cpuset" and version == 1:
                tree.inherit_cpuset(cgroup.directory_of("cpuset"))
            for name, value in chosen:
                self._limit(cgroup, controller, name, value)

    def _place(self, container_id: str, parent: str) -> str:
        return f"{self._above(parent)}/{container_id[:12]}"

    def _above(self, parent: str) -> str:
        return f"{parent.strip('/')}/windlass-{self.label}" if parent else self._below

    def _allow_devices(self, cgroup: Cgroup, devices: Sequence[str]) -> None:
        if self._unified is None:
            raise EngineError(
                "cannot bound which devices a container uses: this host has no cgroup v2",
                hint="mount one (mount -t cgroup2 none /sys/fs/cgroup/unified), or remove the permissions and rules",
            )
        program = syscalls.bpf_prog_load(device_filter.PROGRAM_TYPE, device_filter.program(devices))
        try:
            directory_fd = os.open(cgroup.directories[0], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                syscalls.bpf_prog_attach(directory_fd, program, device_filter.ATTACH_TYPE)
            finally:
                os.close(directory_fd)
        finally:
            os.close(program)

    def find(self, container_id: str, parent: str = "") -> Cgroup:
        """A container's control groups, made or not; `parent` as in `make`."""
        below = self._place(container_id, parent)
        unified = None if self._unified is None else f"{self._unified}/{below}"
        found = Cgroup(unified, {controller: f"{root}/{below}" for controller, root in self._by_controller.items()})
        if parent:
            found.above = tuple(f"{root}/{self._above(parent)}" for root in self._roots())
        return found

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
            tree.remove_tree(f"{root}/{self._below}")
            try:
                os.rmdir(f"{root}/windlass")
            except OSError:
                continue

    def _roots(self, controllers: Iterable[str] | None = None) -> tuple[str, ...]:
        """The trees of some controllers, of all by default; the v2 one comes first, whatever it has."""
        own = () if self._unified is None else (self._unified,)
        chosen = (root for name, root in self._by_controller.items() if controllers is None or name in controllers)
        return tuple(dict.fromkeys((*own, *chosen)))

    def _make_parents(self, roots: Sequence[str], parent: str) -> None:
        for root in roots:
            ours = [controller for controller, place in self._by_controller.items() if place == root]
            directory = root
            for name in ("", *self._above(parent).split("/")):
                directory = f"{directory}/{name}" if name else directory
                if not os.path.isdir(directory):
                    os.makedirs(directory, exist_ok=True)
                    if parent:
                        tree.mark(directory)
                if root == self._unified and ours:
                    tree.enable(directory, ours)
                if "cpuset" in ours and root not in {self._unified, directory}:
                    tree.inherit_cpuset(directory)
        if parent:
            return
        memory = self._by_controller.get("memory")
        if memory is not None and memory in roots:
            # The whole stack leaves the host enough to be repaired from, whatever its services do.
            total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
            name = "memory.max" if self._versions["memory"] == 2 else "memory.limit_in_bytes"
            bound = total - max(_RESERVED_BYTES, total // 20)
            if bound > 0:
                tree.write(f"{memory}/{self._below}/{name}", str(bound))

    def _limit(self, cgroup: Cgroup, controller: str, name: str, value: str) -> None:
        path = f"{cgroup.directory_of(controller)}/{name}"
        try:
            for line in value.splitlines():
                tree.write(path, line)
        except OSError as error:
            # Kernels without swap accounting, or without weights for block devices, have no such file.
            if "swap" in name or "memsw" in name or "io.weight" in name or "bfq" in name:
                return
            if error.errno == ENOENT:
                raise
            raise EngineError(f"cannot limit {controller}: {name} = {value}: {error.strerror}") from error

    def _check(self, limits: Limits, needed: Iterable[str]) -> None:
        wanted = {"memory": limits.memory_bytes, "cpu": limits.cpus, "pids": limits.pids}
        for controller in (*(name for name, value in wanted.items() if value is not None), *sorted(needed)):
            if controller == "pids" and limits.pids is None:
                continue
            if controller in {"blkio", "io"} and not self._by_controller.keys().isdisjoint({"blkio", "io"}):
                continue
            if controller not in self._by_controller:
                raise EngineError(
                    f"cannot limit {controller}: this host has no such cgroup controller",
                    hint="mount it below /sys/fs/cgroup, or remove the limit",
                )
