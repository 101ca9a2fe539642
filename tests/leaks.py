"""What of ours exists on this machine: the list that must be the same before and after a test.

Ownership is decided by names that are derived from the test's own roots, so that tests in parallel, and stacks of other
installations on the same machine, do not confuse each other.
"""

import hashlib
import json
import os
import re
import select
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
STAYS = ("images", "cache")
"""Directories of the data root that `down` is not asked to empty."""
SETTLING_SECONDS = 2.0
"""How long the kernel may take to finish what it has begun (a namespace's links go after its last process)."""


class Territory:
    """What belongs to one test: its two roots, and every name that is made from the run root.

    `stacks` are names of stacks that the test has used: an interface that has lost its stack's directory, firewall
    table and cgroup can only be told by them. `labels` are names that a test gave out itself.
    """

    def __init__(self, *, run: Path, data: Path) -> None:
        self.run = Path(os.path.realpath(run))
        self.data = Path(os.path.realpath(data))
        self.directories = (self.run, self.data)
        self.stacks: set[str] = set()
        self.labels: set[str] = set()

    @property
    def tokens(self) -> frozenset[str]:
        """The tokens of all stacks that are known by name."""
        with suppress(OSError):
            self.stacks.update(entry.name for entry in (self.run / "stacks").iterdir())
        return frozenset(token_of(self.run, stack) for stack in self.stacks)

    def owns_path(self, path: str) -> bool:
        """A path below one of the directories."""
        return any(path == str(directory) or path.startswith(f"{directory}/") for directory in self.directories)

    def owns_label(self, label: str) -> bool:
        """A label `<stack>-<token>` whose token was made from one of our run roots."""
        stack, _, token = label.rpartition("-")
        return label in self.labels or token == token_of(self.run, stack)

    def mentions(self, text: str) -> bool:
        """A command line or environment that names one of the directories."""
        return any(str(directory) in text for directory in self.directories)


def token_of(run: Path, stack: str) -> str:
    """The eight characters by which links and labels name a stack (see engine.layout)."""
    return hashlib.sha256(f"{run}\0{stack}".encode()).hexdigest()[:8]


def footprint(territory: Territory) -> frozenset[str]:
    """One line for each thing of the territory that exists."""
    kinds: tuple[Callable[[Territory], Iterator[str]], ...] = (
        _processes,
        _mounts,
        _namespaces,
        _links_and_routes,
        _tables,
        _cgroups,
        _files,
    )
    return frozenset(line for kind in kinds for line in kind(territory))


def leaked_since(before: frozenset[str], territory: Territory) -> list[str]:
    """What is there now and was not before, once the kernel has settled."""
    deadline = time.monotonic() + SETTLING_SECONDS
    leaked = footprint(territory) - before
    while leaked and time.monotonic() < deadline:
        select.select([], [], [], 0.05)
        leaked = footprint(territory) - before
    return sorted(leaked)


def _processes(territory: Territory) -> Iterator[str]:
    ours = set(_ancestors())
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in ours:
            continue
        with suppress(OSError):
            command = _text(entry / "cmdline").replace("\0", " ").strip()
            owned = (
                territory.mentions(command)
                or territory.mentions(_text(entry / "environ"))
                or any(territory.owns_label(label) for label in _labels_of_cgroups(_text(entry / "cgroup")))
                or territory.mentions(str((entry / "cwd").readlink()))
                or territory.mentions(str((entry / "exe").readlink()))
            )
            if owned:
                yield f"process {entry.name}: {command or _text(entry / 'comm').strip()}"


def _ancestors() -> Iterator[int]:
    pid = os.getpid()
    while pid > 1:
        yield pid
        pid = int(_text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()[1])


def _labels_of_cgroups(text: str) -> Iterator[str]:
    for line in text.splitlines():
        found = re.search(r"/windlass/([^/]+)", line.split(":", 2)[2])
        if found:
            yield found[1]


def _mounts(territory: Territory) -> Iterator[str]:
    for line in _text(Path("/proc/self/mountinfo")).splitlines():
        fields = [_unescaped(field) for field in line.split(" ")]
        if territory.owns_path(fields[4]) or territory.owns_path(fields[3]):
            yield f"mount {fields[4]} ({fields[fields.index('-') + 1]})"


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda digits: chr(int(digits[1], 8)), field)


def _namespaces(territory: Territory) -> Iterator[str]:
    """Network namespaces by name; those pinned elsewhere are mounts, the others end with their processes."""
    with suppress(OSError):
        for entry in Path("/run/netns").iterdir():
            name = entry.name.removeprefix("windlass-")
            if territory.owns_label(name):
                yield f"network namespace {entry}"


def _links_and_routes(territory: Territory) -> Iterator[str]:
    tables = {label.rpartition("-")[2]: label for label in _table_labels()}
    cgroups = {label.rpartition("-")[2]: label for label, _ in _cgroup_directories()}
    tokens = territory.tokens
    for link in _ip("link"):
        name = link.get("ifname", "")
        token = name.removeprefix("windl")
        label = tables.get(token) or cgroups.get(token) or ""
        if name in territory.labels or (token != name and (token in tokens or territory.owns_label(label))):
            yield f"link {name}"
            for route in _ip("route", "show", "table", "all", "dev", name):
                yield f"route {route.get('dst')} dev {name}"


def _ip(*arguments: str) -> list[dict[str, str]]:
    """What `ip -json` answers; nothing where the program is missing or the link has just gone."""
    program = shutil.which("ip", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        return []
    done = subprocess.run([program, "-json", *arguments], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.stdout.strip() else []


def _tables(territory: Territory) -> Iterator[str]:
    for label in _table_labels():
        if territory.owns_label(label):
            yield f"nft table windlass-{label}"


def _table_labels() -> list[str]:
    program = shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None or os.geteuid() != 0:
        return []
    done = subprocess.run([program, "list", "tables"], capture_output=True, text=True, check=False)
    return re.findall(r"^table \S+ windlass-(\S+)$", done.stdout, re.MULTILINE)


def _cgroups(territory: Territory) -> Iterator[str]:
    for label, directory in _cgroup_directories():
        if territory.owns_label(label):
            yield from (f"cgroup {path}" for path, _, _ in os.walk(directory))  # what goes meanwhile is passed over


def _cgroup_directories() -> Iterator[tuple[str, Path]]:
    for pattern in ("windlass/*", "*/windlass/*"):
        with suppress(OSError):
            yield from ((path.name, path) for path in CGROUP_ROOT.glob(pattern) if path.is_dir())


def _files(territory: Territory) -> Iterator[str]:
    """Every file, and every directory that stands for a thing; what stays on purpose is not looked into."""
    for directory in territory.directories:
        for path, names, files in os.walk(directory):
            inside = Path(path).relative_to(directory).parts
            if not inside:
                names[:] = [name for name in names if name not in STAYS]
            yield from (_described(Path(path, name)) for name in files)
            if len(inside) >= 2 and inside[-2] in ("stacks", "containers", "volumes"):
                yield f"directory {path}"


def _described(path: Path) -> str:
    with suppress(OSError):
        mode = path.lstat().st_mode
        kind = next((word for test, word in ((stat.S_ISFIFO, "FIFO"), (stat.S_ISSOCK, "socket")) if test(mode)), "file")
        return f"{kind} {path}"
    return f"file {path}"


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")
