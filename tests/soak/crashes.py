"""Kills windlass at random moments, looks after every command whether what it says is so.

    python tests/soak/crashes.py [--seed N] [--faults N] [--minutes N] [--keep-going]

One stack of four services goes through a random sequence of commands; into them, or between them, falls kill -9 of the
command, of the supervisor, of both, or of a container's first process. The same seed gives the same sequence; the
moments are as exact as the machine is. Status 1 when something was found, which is printed with the round's history.
"""

import argparse
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from engine.errors import SyscallError  # noqa: E402 -- the checkout is on the path only now
from engine.images.store import ImageStore  # noqa: E402
from engine.layout import Layout  # noqa: E402
from engine.processes import open_process  # noqa: E402
from engine.records import read_records  # noqa: E402
from engine.syscalls import inotify_add_watch, inotify_init1  # noqa: E402
from tests.busybox import ensure_busybox  # noqa: E402
from tests.leaks import Territory, footprint, leaked_since  # noqa: E402
from tests.soak.ledger import COUNTER, Ledger, Tally  # noqa: E402

CHANGES = 0x100 | 0x200 | 0x80  # inotify(7): IN_CREATE, IN_DELETE, IN_MOVED_TO
FILE = """
services:
  watched:
    image: localhost/bb:1
    command: [sleep, "100000"]
    stop_signal: SIGKILL
    healthcheck: {{test: [CMD, "true"], interval: 1s, timeout: 5s, retries: 3}}
  stubborn:
    image: localhost/bb:1
    command: [sleep, "100000"]
    stop_signal: SIGKILL
    restart: always
    depends_on: [watched]
  web:
    image: localhost/bb:1
    command: [sh, -c, "echo hauled >/pages/index.html; exec httpd -f -p 80 -h /pages"]
    stop_signal: SIGKILL
    ports: ["127.0.0.1:{port}:80"]
    volumes: ["pages:/pages"]
    healthcheck:
      {{test: wget -q -O /dev/null http://127.0.0.1/, interval: 1s, start_period: 9s, start_interval: 100ms}}
  teller:
    image: localhost/bb:1
    command: [sh, -c, "trap 'exit 3' TERM; i=0; while :; do i=$$((i+1)); echo line $$i; sleep 0.02; done"]
volumes: {{pages: }}
"""
STACK = "crashes"
COMMAND_SECONDS = 90
SETTLE_SECONDS = 10.0
LOOK_SECONDS = 0.3
LONGEST_DELAY_SECONDS = 0.4
COMMANDS = (
    ("up", "-d"),
    ("up", "-d"),
    ("up", "-d", "--force-recreate", "-t", "1"),
    ("up", "-d", "--scale", "stubborn=3", "-t", "1"),
    ("down", "-t", "1"),
    ("ps", "-a"),
    ("logs", "--tail", "5"),
    ("exec", "-T", "teller", "true"),
    ("restart", "-t", "1"),
    ("restart", "-t", "1", "stubborn"),
    ("stop", "-t", "1", "web"),
    ("start",),
    ("kill", "watched"),
)
CHANGING = ("up", "down", "restart", "stop", "start", "kill")
MAY_FAIL = ("exec", "start", "kill", "logs")  # where nothing is, or runs, they say so
TARGETS = ("command", "supervisor", "both", "container")


class Finding(Exception):  # noqa: N818 -- it is no error of this program
    """What windlass should not have done."""


class Boat:
    """The stack under fire: its commands, its processes, what has been done to it."""

    def __init__(self, base: Path) -> None:
        self.layout = Layout(run=base / "run", data=base / "data")
        self.place = self.layout.stack(STACK)
        self.directory = base / "project"
        for directory in (self.layout.run, self.layout.data, self.directory):
            directory.mkdir(mode=0o700, parents=True)
        ensure_busybox(ImageStore(self.layout.images, self.layout.cache))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.directory / "compose.yaml").write_text(FILE.format(port=self.port))
        self.ledger = Ledger(self.place, self.layout.volumes / f"{STACK}_counts" / "_data")
        self.history: list[str] = []
        self.settled = True

    def begin(self, arguments: tuple[str, ...], under: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
        """Starts a command, under another one such as strace."""
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(CHECKOUT),
            "WINDLASS_RUN_ROOT": str(self.layout.run),
            "WINDLASS_DATA_ROOT": str(self.layout.data),
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

    def end(self, process: "subprocess.Popen[str]", arguments: tuple[str, ...]) -> tuple[int, str, str]:
        """Waits for a command: its status, its output, its messages."""
        try:
            out, messages = process.communicate(timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Finding(f"{' '.join(arguments)} hangs for {COMMAND_SECONDS} s") from None
        if "Traceback" in messages or process.returncode == os.EX_SOFTWARE:
            raise Finding(f"{' '.join(arguments)} calls it a bug of its own:\n{messages}")
        self.history.append(f"{' '.join(arguments)} -> {process.returncode} {messages.strip()[-300:]!r}")
        return process.returncode, out, messages

    def run(self, *arguments: str) -> tuple[str, str]:
        """A command that must succeed: its output and messages."""
        status, out, messages = self.end(self.begin(arguments), arguments)
        if status != 0:
            raise Finding(f"{' '.join(arguments)} ended with {status}:\n{out}{messages}")
        return out, messages

    def supervisors(self) -> list[int]:
        """The supervisors of this installation, by their command lines; not what they are about to make containers."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
                if b"/engine/supervisor/__main__.py\0" in line and str(self.layout.run).encode() + b"\0" in line:
                    nested = re.search(r"^NSpid:(.*)$", (entry / "status").read_text(), re.MULTILINE)
                    if nested and len(nested[1].split()) == 1:
                        found.append(int(entry.name))
        return found

    def pids(self) -> dict[str, int]:
        """The first processes that live, by their containers' ids."""
        alive = {}
        for record in read_records(self.place):
            if record.state.process is not None:
                fd = open_process(record.state.process)
                if fd is not None:
                    if not select.select([fd], [], [], 0)[0]:  # dead and not yet reaped: not alive
                        alive[record.spec.id] = record.state.process.pid
                    os.close(fd)
        return alive

    def in_cgroups(self) -> set[str]:
        """The ids of containers whose control groups hold processes."""
        groups = [*Path("/sys/fs/cgroup").glob(f"windlass/{self.place.label}/*/cgroup.procs")]
        groups += Path("/sys/fs/cgroup").glob(f"*/windlass/{self.place.label}/*/cgroup.procs")
        held = set()
        for group in groups:
            with suppress(OSError):
                if group.read_text().strip():
                    held.add(group.parent.name)
        return held


def kill(pid: int) -> None:
    """kill -9 of a process, if it is still there; returns when it is dead."""
    with suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        select.select([fd], [], [], SETTLE_SECONDS)
        os.close(fd)


def strike(boat: Boat, process: "subprocess.Popen[str] | None", target: str, choose: random.Random) -> None:
    """The fault."""
    if target in {"command", "both"} and process is not None:
        process.kill()
    if target in {"supervisor", "both"}:
        pids = boat.supervisors()
        with boat.ledger.death() if pids else nullcontext():
            for pid in pids:
                kill(pid)
    if target == "container":
        alive = sorted(boat.pids().values())
        if alive:
            kill(choose.choice(alive))


def eventually(boat: Boat, check: Callable[[], None]) -> None:
    """A check that must hold in a while: it is repeated whenever a record of the stack changes, and now and then."""
    deadline = time.monotonic() + SETTLE_SECONDS
    news = inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        while True:
            for directory in (boat.place.directory, boat.place.containers, *boat.place.containers.glob("*")):
                with suppress(SyscallError):  # it has just gone
                    inotify_add_watch(news, directory, CHANGES)
            try:
                check()
            except (Finding, OSError):
                if time.monotonic() > deadline:
                    raise
                select.select([news], [], [], LOOK_SECONDS)  # ends of processes without a supervisor are no news
                with suppress(BlockingIOError):
                    os.read(news, 1 << 16)
            else:
                return
    finally:
        os.close(news)


def check_ps(boat: Boat) -> None:
    """`ps` tells what runs, no more and no less, and no end that was a death as a success."""
    out, _ = boat.run("ps", "-a", "--format", "json")
    listed = [json.loads(line) for line in out.splitlines()]
    running = {row["ID"] for row in listed if row["State"] == "running"}
    for name, real in (("records of live processes", set(boat.pids())), ("filled cgroups", boat.in_cgroups())):
        if {found[:12] for found in real} != {found[:12] for found in running}:
            raise Finding(f"ps has {sorted(running)} running, {name} are {sorted(real)}\n{out}")
    for row in listed:
        if row["State"] == "exited" and row["ExitCode"] == 0:
            raise Finding(f"{row['Name']} is said to have ended with 0:\n{out}")


def check_lines(boat: Boat) -> None:
    """The numbered lines have no gap; after a restart of the program they begin anew."""
    out, _ = boat.run("logs", "--no-log-prefix", "teller")
    last = 0
    for line in out.splitlines():
        if not line.startswith("line "):
            continue
        number = int(line.removeprefix("line "))
        if number not in {last + 1, 1}:
            raise Finding(f"the log goes from line {last} to line {number}")
        last = number


def check_accepted(boat: Boat) -> None:
    """Every line that the kernel took is in the log."""
    accepted = boat.ledger.accepted()
    if not accepted:
        return
    read_on = bool(boat.supervisors())
    out, _ = boat.run("logs", "--no-log-prefix", "counter")
    wrong = boat.ledger.compare(accepted, out, read_on=read_on)
    if wrong:
        raise Finding(wrong)


def check_up(boat: Boat) -> None:
    """After `up`, the page is served and a second `up` has nothing to do."""

    boat.run("up", "-d", "--wait")
    with urllib.request.urlopen(f"http://127.0.0.1:{boat.port}/", timeout=2) as answer:
        if answer.read() != b"hauled\n":
            raise Finding("the page is another one")
    before = boat.pids()
    _, messages = boat.run("up", "-d")
    if "nothing to do" not in messages:
        raise Finding(f"a second up did something:\n{messages}")
    if boat.pids() != before:
        raise Finding(f"a second up changed processes: {before} -> {boat.pids()}")


def check_nothing_left(before: frozenset[str], territory: Territory) -> None:
    """After `down -v`, there is what there was."""
    leaked = leaked_since(before, territory)
    if leaked:
        raise Finding("left behind:\n  " + "\n  ".join(leaked))


def one_step(boat: Boat, choose: random.Random) -> int:
    """A command, perhaps with a fault; gives the number of faults."""
    arguments = choose.choice(COMMANDS)
    target = choose.choice(TARGETS) if choose.random() < 0.65 else ""
    between = choose.random() < 0.2
    delay = choose.random() * LONGEST_DELAY_SECONDS
    before = boat.pids()
    if target and between:
        boat.history.append(f"kill {target}")
        strike(boat, None, target, choose)
    process = boat.begin(arguments)
    if target and not between:
        with suppress(subprocess.TimeoutExpired):
            process.wait(delay)
        boat.history.append(f"kill {target} {delay * 1000:.0f} ms into {' '.join(arguments)}")
        strike(boat, process, target, choose)
    status, out, messages = boat.end(process, arguments)
    changing = arguments[0] in CHANGING
    if boat.settled and target != "container" and not changing and not before.items() <= boat.pids().items():
        raise Finding(f"containers did not stay: {before} -> {boat.pids()}")
    boat.settled = not target or (boat.settled and not changing)  # a supervisor carries out what a dead command asked
    if target:
        return 1
    if status not in {0, 1} or (status == 1 and arguments[0] not in MAY_FAIL):
        raise Finding(f"{' '.join(arguments)} ended with {status}:\n{out}{messages}")
    eventually(boat, lambda: check_ps(boat))
    if arguments == ("up", "-d"):
        check_up(boat)
    if boat.pids():
        check_lines(boat)
    eventually(boat, lambda: check_accepted(boat))
    return 0


def one_round(choose: random.Random, tally: Tally) -> tuple[int, str]:
    """Some steps on a fresh installation, then `down -v`; gives the number of faults and what was found."""
    base = Path(tempfile.mkdtemp(prefix="wl-"))
    boat = Boat(base)
    (boat.directory / "compose.override.yaml").write_text(COUNTER)
    territory = Territory(run=boat.layout.run, data=boat.layout.data)
    territory.stacks.add(STACK)
    before = footprint(territory)
    faults = 0
    found = ""
    try:
        boat.run("up", "-d")
        for _ in range(choose.randint(5, 10)):
            faults += one_step(boat, choose)
        boat.run("up", "-d")
        eventually(boat, lambda: check_ps(boat))
        check_up(boat)
        check_lines(boat)
        eventually(boat, lambda: check_accepted(boat))
        boat.run("down", "-v", "-t", "1")
        check_nothing_left(before, territory)
    except (Finding, OSError) as finding:
        log = boat.place.supervisor_log.read_text() if boat.place.supervisor_log.exists() else ""
        found = f"{finding}\n  history:\n    " + "\n    ".join(boat.history) + f"\n  supervisor.log:\n{log}"
        boat.begin(("down", "-v", "-t", "1", "--remove-orphans")).communicate(timeout=COMMAND_SECONDS)
    boat.ledger.close()
    tally.add(boat.ledger)
    if leaked_since(before, territory):
        found += f"\n  {base} is kept: it still holds something"
    else:
        shutil.rmtree(base)
    return faults, found


def main() -> int:
    """Runs rounds until there were enough faults."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--faults", type=int, default=500)
    parser.add_argument("--keep-going", action="store_true", help="do not end at the first finding")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no round after that")
    options = parser.parse_args()
    deadline = time.monotonic() + 60 * options.minutes
    faults = rounds = findings = 0
    tally = Tally()
    while faults < options.faults and time.monotonic() < deadline:
        struck, found = one_round(random.Random(f"{options.seed}/{rounds}"), tally)  # noqa: S311 -- no secrets
        faults += struck
        if found:
            findings += 1
            print(f"FOUND in round {rounds} of seed {options.seed}: {found}", flush=True)
            if not options.keep_going:
                break
        rounds += 1
    print(f"seed {options.seed}: {rounds} rounds, {faults} faults, {findings} findings; {tally}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
