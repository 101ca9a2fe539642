"""Takes the power away at any write to the disk, looks what windlass makes of what is left.

    python tests/soak/powerloss.py [--seed N] [--rounds N] [--keep-going]

Both roots lie in a file system (ext4) whose disk logs every write. A voyage goes through load, up, enable, a build,
changes, down; then the disk is made again as it was at random moments: with all that was flushed, and with some of
what was written since. Each time the journal is replayed, the boot is another one, and what commands had promised must
be there; images are whole or missing; `up` serves, `down` leaves nothing. Status 1 when something was found.
"""

import argparse
import hashlib
import os
import random
import select
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from compose.doing.enabled import recall  # noqa: E402 -- the checkout is on the path only now
from engine.errors import StateError, VolumeError  # noqa: E402 -- likewise
from engine.images.store import ImageStore  # noqa: E402
from engine.layout import Layout  # noqa: E402
from engine.processes import boot_id  # noqa: E402
from engine.syscalls import MNT_DETACH, Clone, MountFlag, mount, umount2, unshare  # noqa: E402
from engine.volumes import VolumeStore  # noqa: E402
from tests.busybox import ensure_busybox  # noqa: E402
from tests.leaks import Territory, leaked_since  # noqa: E402
from tests.soak.crashes import COMMAND_SECONDS, LOOK_SECONDS, SETTLE_SECONDS, STACK, Boat, Finding, check_up, kill  # noqa: E402
from tests.soak.loggeddisk import Write, cut, logged_disk, loop_device, written  # noqa: E402

FILE = """
services:
  web:
    image: localhost/bb:1
    command: [sh, -c, "echo hauled >/pages/index.html; cat /told /run/secrets/word; exec httpd -f -p 80 -h /pages"]
    stop_signal: SIGKILL
    restart: unless-stopped
    ports: ["127.0.0.1:{port}:80"]
    volumes: ["pages:/pages", "tools:/bin"]
    configs: [{{source: told, target: /told}}]
    secrets: [word]
    environment: {{TIDE: "${{TIDE:-low}}"}}
  built:
    build: {{context: ., dockerfile_inline: "FROM localhost/bb:1\\nRUN echo built >/built && cp /bin/busybox /copy\\n"}}
    command: [sleep, "100000"]
    stop_signal: SIGKILL
configs: {{told: {{content: "a config of ${{TIDE:-low}} tide\\n"}}}}
secrets: {{word: {{environment: WORD}}}}
volumes: {{pages: , tools: }}
"""
LOAD = ("load", "-i", "bb.tar")
KEPT = "rm -f /bin/lsof; for file in /pages/kept /bin/lsof; do echo precious | dd conv=fsync of=$file; done"
KEEP = ("exec", "-T", "web", "sh", "-c", KEPT)
DOWN = ("down", "-v", "-t", "1")
VOYAGE = (
    LOAD,
    ("up", "-d"),
    ("enable",),
    KEEP,
    ("restart", "-t", "1", "web"),
    ("tide",),
    ("up", "-d", "-t", "1"),
    ("down", "-t", "1"),
    ("up", "-d"),
    ("disable",),
    DOWN,
)
"""The commands of a voyage; `tide` only changes what the file says."""
SIZE = 192 << 20
FLAVOURS = ("commit=1,noauto_da_alloc", "commit=1", "commit=5")
"""What the file system writes when; without auto_da_alloc it is as strict as POSIX: what is not synced may be empty."""
CUTS = 10
BEFORE_THIS_BOOT = 1


class Ship(Boat):
    """The stack, on a disk that may lose its power."""

    def __init__(self, base: Path) -> None:
        self.layout = Layout(run=base / "disk" / "run", data=base / "disk" / "data")
        self.place = self.layout.stack(STACK)
        self.directory = base / "project"
        self.units = base / "units"
        for directory in (self.directory, self.units):
            directory.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.directory / "compose.yaml").write_text(FILE.format(port=self.port))
        self.history: list[str] = []
        self.tide = "low"
        store = ImageStore(base / "ashore" / "images", base / "ashore" / "cache")
        self.image = ensure_busybox(store).id
        self.begin(("save", "-o", "bb.tar", "localhost/bb:1"), data=base / "ashore").communicate()

    def begin(
        self, arguments: tuple[str, ...], under: tuple[str, ...] = (), data: Path | None = None
    ) -> "subprocess.Popen[str]":
        """Starts a command."""
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(CHECKOUT),
            "WINDLASS_RUN_ROOT": str(self.layout.run),
            "WINDLASS_DATA_ROOT": str(data or self.layout.data),
            "WINDLASS_UNITS": str(self.units),
            "WORD": "fathom",
            "TIDE": self.tide,
        }
        return subprocess.Popen(
            [*under, sys.executable, "-m", "compose.cli", "-p", STACK, *arguments],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


class Voyage:
    """What was written while commands ran, and between which writes each of them began and ended."""

    def __init__(self, writes: list[Write], log: list[tuple[tuple[str, ...], int, int]]) -> None:
        self.writes = writes
        self._log = log

    def done(self, command: tuple[str, ...], end: int) -> bool:
        """Whether a command had ended before a write."""
        return any(known == command and ended <= end for known, _, ended in self._log)

    def begun(self, command: tuple[str, ...], end: int) -> bool:
        """Whether a command may have begun before a write."""
        return any(known == command and began <= end for known, began, _ in self._log)

    def during(self, end: int) -> str:
        """What was under way at a write."""
        return next((" ".join(known) for known, _, ended in self._log if end <= ended), "the end")


@contextmanager
def mounted(device: str, place: Path, options: str) -> Iterator[None]:
    """A disk's file system at a directory."""
    mount(device, place, "ext4", MountFlag(0), options)
    try:
        yield
    finally:
        deadline = time.monotonic() + SETTLE_SECONDS  # a supervisor that ends still holds its log
        while (done := subprocess.run(["umount", str(place)], capture_output=True, text=True, check=False)).returncode:
            if time.monotonic() > deadline:
                umount2(place, MNT_DETACH)
                raise Finding(f"something still uses the disk: {done.stderr}")
            select.select([], [], [], LOOK_SECONDS)


def sail(ship: Ship, base: Path, options: str) -> Voyage:
    """The voyage, from an empty disk on; `base`/image stays what it was before."""
    image = base / "image"
    image.touch()
    os.truncate(image, SIZE)
    command = ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", str(image)]
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run(["cp", "--sparse=always", str(image), str(base / "live")], check=True)
    log = base / "log"
    marks = []
    with logged_disk(base / "live", log) as device, mounted(device, base / "disk", options):
        try:
            for command_line in VOYAGE:
                began = log.stat().st_size
                if command_line == ("tide",):
                    ship.tide = "high"
                else:
                    ship.run(*command_line)
                marks.append((command_line, began, log.stat().st_size))
        except Finding:
            abandon(ship)
            raise
    sizes = [0]
    writes = written(log)
    for write in writes:
        sizes.append(sizes[-1] + 16 + len(write.data))
    at = {size: number for number, size in enumerate(sizes)}
    return Voyage(writes, [(known, at[began], at[ended]) for known, began, ended in marks])


def abandon(ship: Ship) -> None:
    """Ends what a finding has left."""
    ship.begin((*DOWN, "--remove-orphans")).communicate(timeout=COMMAND_SECONDS)
    for pid in (*ship.supervisors(), *ship.pids().values()):
        kill(pid)


def begin_another_boot(ship: Ship, *, wipe: bool) -> None:
    """What a boot changes: what lies in memory is gone, or, on a disk, is of another boot."""
    if wipe:
        shutil.rmtree(ship.layout.run, ignore_errors=True)
    for path in ship.place.containers.glob("*/state.json"):
        path.write_bytes(path.read_bytes().replace(boot_id().encode(), b"00000000-0000-4000-8000-000000000000"))
    for directory in (ship.layout.containers, ship.layout.id_ranges):
        for path in directory.glob("*"):
            os.utime(path, (BEFORE_THIS_BOOT, BEFORE_THIS_BOOT), follow_symlinks=False)


def check_promises(ship: Ship, voyage: Voyage, end: int) -> None:
    """What commands had told to be done is so; what is there is whole."""
    check_images(ship, voyage, end)
    try:
        enabled = recall(ship.layout)
    except StateError as error:
        raise Finding(f"the list of what comes back: {error}") from error
    if voyage.done(("enable",), end) and not voyage.begun(("disable",), end) and STACK not in enabled:
        raise Finding("the stack is not enabled any more")
    check_volumes(ship, voyage, end)


def check_images(ship: Ship, voyage: Voyage, end: int) -> None:
    """What was loaded is there; whatever has a name is whole."""
    store = ImageStore(ship.layout.images, ship.layout.cache)
    named = dict(store.list())
    if voyage.done(LOAD, end) and getattr(named.get("localhost/bb:1"), "id", "") != ship.image:
        raise Finding(f"the loaded image is lost: {sorted(named)}")
    for name in named:
        archive = ship.directory / "check.tar"
        ship.run("save", name, "-o", str(archive))
        check_archive(name, archive)
        archive.unlink()


def check_volumes(ship: Ship, voyage: Voyage, end: int) -> None:
    """Volumes are there with what was synced in them; one that counts as filled is."""
    volumes = VolumeStore(ship.layout.volumes)
    may_be_gone = voyage.begun(DOWN, end)
    for name in ("pages", "tools"):
        try:
            volume = volumes.find(f"{STACK}_{name}")
        except VolumeError as error:
            raise Finding(str(error)) from error
        if volume is None:
            if voyage.done(("up", "-d"), end) and not may_be_gone:
                raise Finding(f"the volume {name} is lost")
        elif name == "tools" and volume.filled:
            held = volume.data / "busybox"
            if not held.exists() or held.read_bytes() != Path("/bin/busybox").read_bytes():
                raise Finding("the volume that was filled from the image lacks a part of it")
        elif name == "pages" and voyage.done(KEEP, end) and not may_be_gone:
            kept = volume.data / "kept"
            if not kept.exists() or kept.read_bytes() != b"precious\n":
                raise Finding("a file that was synced in a volume is lost")


def check_archive(name: str, archive: Path) -> None:
    """Every part of an image is what its name says."""
    with tarfile.open(archive) as parts:
        for part in parts:
            if part.isfile() and part.name.startswith("blobs/sha256/"):
                content = parts.extractfile(part)
                if content is None or hashlib.sha256(content.read()).hexdigest() != Path(part.name).name:
                    raise Finding(f"the image {name} is not what it says: {part.name}")


def check_cut(ship: Ship, voyage: Voyage, end: int, *, wipe: bool) -> None:
    """The machine comes back: promises first, then the stack's life goes on."""
    territory = Territory(run=ship.layout.run, data=ship.layout.data)
    territory.stacks.add(STACK)
    begin_another_boot(ship, wipe=wipe)
    check_promises(ship, voyage, end)
    ship.run("ls", "-a")
    ship.run("ps", "-a")
    ship.run(*LOAD)
    if STACK in recall(ship.layout):
        ship.run("restore")
    check_up(ship)
    if voyage.done(KEEP, end) and not voyage.begun(DOWN, end):
        held = ship.run("exec", "-T", "web", "cat", "/bin/lsof")[0]
        if held != "precious\n":
            raise Finding("a file that was synced in a volume was replaced by the image's")
    told = ship.run("exec", "-T", "web", "cat", "/told", "/run/secrets/word")[0]
    if told != "a config of high tide\nfathom":
        raise Finding(f"configs and secrets say {told!r}")
    ship.run("logs")
    ship.run("disable")
    ship.run(*DOWN)
    leaked = leaked_since(frozenset({f"mount {ship.layout.run.parent} (ext4)"}), territory)
    leaked = [line for line in leaked if "/stacks/build-" not in line]  # of a build cut short, the run root on a disk
    if leaked:
        raise Finding("left behind:\n  " + "\n  ".join(leaked))


def play(base: Path, options: str, cuts: int, choose: random.Random) -> list[str]:
    """One voyage and some ends of it; gives what was found."""
    (base / "disk").mkdir()
    ship = Ship(base)
    voyage = sail(ship, base, options)
    flushes = sum(not write.data for write in voyage.writes)
    print(f"{options}: {len(voyage.writes) - flushes} writes, {flushes} flushes", flush=True)
    found = []
    for _ in range(cuts):
        end, wipe = choose.randrange(len(voyage.writes)), choose.random() < 0.3
        subprocess.run(["cp", "--sparse=always", str(base / "image"), str(base / "cut")], check=True)
        lost = cut(voyage.writes, end, base / "cut", choose)
        ship.history = []
        where = f"{options}, cut at write {end} ({voyage.during(end)}), {lost} blocks lost, run root wiped: {wipe}"
        try:
            with loop_device(base / "cut") as device, mounted(device, base / "disk", options):
                try:
                    check_cut(ship, voyage, end, wipe=wipe)
                except (Finding, OSError) as finding:
                    log = ship.place.supervisor_log
                    told = log.read_text() if log.exists() else ""
                    found.append(f"{where}: {finding}\n    " + "\n    ".join([*ship.history, told]))
                    abandon(ship)
        except Finding as finding:
            found.append(f"{where}: {finding}")
    for finding in found:
        print(f"FOUND: {finding}", flush=True)
    return found


def main() -> int:
    """Voyages, until there were enough ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--rounds", type=int, default=60, help="how often the power goes")
    parser.add_argument("--keep-going", action="store_true", help="do not end at the first voyage with a finding")
    options = parser.parse_args()
    unshare(Clone.NEWNS)
    mount("none", Path("/"), "", MountFlag.REC | MountFlag.PRIVATE)
    ends = findings = 0
    while ends < options.rounds and (options.keep_going or not findings):
        choose = random.Random(f"{options.seed}/{ends}")  # noqa: S311 -- no secrets
        cuts = min(CUTS, options.rounds - ends)
        base = Path(tempfile.mkdtemp(prefix="wl-"))
        try:
            findings += len(play(base, FLAVOURS[ends // CUTS % len(FLAVOURS)], cuts, choose))
        finally:
            with suppress(OSError):
                shutil.rmtree(base)
        ends += cuts
    print(f"seed {options.seed}: the power went {ends} times, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
