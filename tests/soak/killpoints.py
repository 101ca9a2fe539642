"""Kills windlass at every system call that changes anything, in every verb that changes a stack.

    python tests/soak/killpoints.py [--every N] [--first N] [--scene WHO/VERB] [--all-calls]

strace(1) sends SIGKILL at one call of the supervisor, of the command, or of everything that a command starts (each
process at its own). A first run counts the calls by name; then each is hit once. Then the next `up` must converge, what
nobody asked to change must have kept its process, a second `up` must find nothing to do, no end may be told as a
success, and `down` must leave nothing. Between two calls that change nothing nobody can tell a death from another;
--all-calls takes them all the same. Status 1 when something was found.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from engine.records import read_records  # noqa: E402 -- the checkout is on the path only now
from engine.spawn import spawn_supervisor  # noqa: E402 -- likewise
from tests.leaks import Territory, footprint, leaked_since  # noqa: E402 -- likewise
from tests.soak.crashes import (  # noqa: E402 -- likewise
    COMMAND_SECONDS,
    STACK,
    Boat,
    Finding,
    check_nothing_left,
    check_ps,
    check_up,
    eventually,
    kill,
)
from tests.soak.faults import wait_for_tracer  # noqa: E402 -- likewise

FILE = """
services:
  bystander:
    image: localhost/bb:1
    command: [sleep, "100000"]
    stop_signal: SIGKILL
  web:
    image: localhost/bb:1
    command: [sh, -c, "echo hauled >/pages/index.html; exec httpd -f -p 80 -h /pages"]
    stop_signal: SIGKILL
    ports: ["127.0.0.1:{port}:80"]
    volumes: ["pages:/pages"]
    healthcheck:
      {{test: wget -q -O /dev/null http://127.0.0.1/, interval: 1s, start_period: 9s, start_interval: 100ms}}
volumes: {{pages: }}
"""
CHANGING = (
    "bind,bpf,chmod,chown,clone,clone3,connect,copy_file_range,execve,exit_group,fchmod,fchmodat,fchown,fchownat,fork,"
    "fsync,ftruncate,ioctl,kill,lchown,link,linkat,listen,mkdir,mkdirat,mknod,mknodat,mount,mount_setattr,move_mount,"
    "openat,openat2,pidfd_send_signal,pivot_root,pwrite64,rename,renameat,renameat2,rmdir,sendmsg,sendto,setxattr,splice,"
    "symlink,symlinkat,truncate,umount2,unlink,unlinkat,unshare,utimensat,vfork,wait4,waitid,write,writev"
)
"""What may change anything beyond the process itself: descriptors and detached mounts go with it."""
IDLE = re.compile(r"open(at|at2)\((?!.*O_CREAT)|ioctl\(\d+, (TCGETS|FIOCLEX|FIONBIO)")
"""Calls with such names that change nothing."""


class Scene(NamedTuple):
    """Who dies in which verb; `fresh` when there is no stack before it; `spares` when it leaves the bystander alone."""

    who: str
    verb: tuple[str, ...]
    fresh: bool = False
    spares: bool = True

    def __str__(self) -> str:
        return f"{self.who}/{self.verb[0]}{'-anew' if self.fresh else ''}"


UP, RECREATE = ("up", "-d"), ("up", "-d", "--force-recreate", "-t", "1", "web")
RESTART, DOWN = ("restart", "-t", "1", "web"), ("down", "-t", "1")
SCENES = (
    Scene("supervisor", UP, fresh=True),
    Scene("supervisor", RECREATE),
    Scene("supervisor", RESTART),
    Scene("supervisor", DOWN, spares=False),
    Scene("command", UP, fresh=True),
    Scene("command", RECREATE),
    Scene("command", RESTART),
    Scene("command", DOWN, spares=False),
    Scene("all", UP, fresh=True),
)


def kill_at(scene: Scene, name: str, number: int) -> tuple[bool, str]:
    """Plays a scene with a death at somebody's n-th call of this name; gives whether it was reached, what was found."""
    log, found = _play(scene, name, f"inject={name}:signal=SIGKILL:when={number}")
    most = max((sum(line.startswith(f"{name}(") for line in process) for process in _by_process(log)), default=0)
    return most >= number, found


def points(scene: Scene, calls: str = CHANGING) -> list[tuple[str, int]]:
    """Every call of a scene that can be hit: a name, and which of the calls of that name."""
    log, found = _play(scene, calls, "")
    if found:
        raise Finding(f"{scene} with nobody killed: {found}")
    found_points = set()
    for process in _by_process(log):
        seen: Counter[str] = Counter()
        for line in process:
            name = line.partition("(")[0]
            seen[name] += 1
            if name.isidentifier() and (calls == "all" or not IDLE.match(line)):
                found_points.add((name, seen[name]))
    return sorted(found_points)


def _by_process(log: str) -> list[list[str]]:
    """The lines of strace's log, which begin with a process where several are followed."""
    lines: dict[str, list[str]] = {}
    for line in log.splitlines():
        pid, call = line.split(maxsplit=1) if line[:1].isdigit() else ("", line)
        lines.setdefault(pid, []).append(call)
    return list(lines.values())


def _play(scene: Scene, calls: str, fault: str) -> tuple[str, str]:
    """Carries a scene out on a fresh installation; gives the log of its calls, and what was found."""
    base = Path(tempfile.mkdtemp(prefix="wl-"))
    boat = Boat(base)
    (boat.directory / "compose.yaml").write_text(FILE.format(port=boat.port))
    territory = Territory(run=boat.layout.run, data=boat.layout.data)
    territory.stacks.add(STACK)
    before = footprint(territory)
    traced, found = "", ""
    try:
        bystander = _begin(boat, scene)
        traced = _strike(boat, scene, calls, fault)
        eventually(boat, lambda: check_ps(boat))
        if scene.spares:
            _require_bystander(boat, bystander)
        boat.run("up", "-d")
        if scene.spares:
            _require_bystander(boat, bystander)
        check_up(boat)
        _require_no_traceback(boat)
        boat.run("down", "-v", "-t", "1")
        check_nothing_left(before, territory)
    except (Finding, OSError, ValueError) as finding:
        log = boat.place.supervisor_log.read_text() if boat.place.supervisor_log.exists() else ""
        found = f"{finding}\n  " + "\n  ".join(boat.history) + f"\n  supervisor.log:\n{log}"
        boat.begin(("down", "-v", "-t", "1", "--remove-orphans")).communicate(timeout=90)
    if leaked_since(before, territory):
        found += f"\n  {base} is kept: it still holds something"
    else:
        shutil.rmtree(base)
    return traced, found


def _begin(boat: Boat, scene: Scene) -> int | None:
    """What there is before the verb; gives the bystander's process."""
    if not scene.fresh:
        boat.run("up", "-d", "--wait")
        return _bystander(boat)
    if scene.who == "supervisor":
        spawn_supervisor(boat.place)
    return None


def _strike(boat: Boat, scene: Scene, calls: str, fault: str) -> str:
    """Runs the verb under the fault; gives its calls. How the verb ends is its own affair, but for a bug."""
    traces = Path(tempfile.mkdtemp(prefix="wl-trace-"))
    log = traces / "calls"
    strace = ["strace", "-qq", "-o", str(log), "-e", f"trace={calls}"]
    strace += ["-e", fault] if fault else []
    try:
        if scene.who == "supervisor":
            (pid,) = boat.supervisors()
            with subprocess.Popen([*strace, "-p", str(pid)], stderr=subprocess.PIPE, text=True) as tracer:
                wait_for_tracer(pid, tracer)
                boat.end(boat.begin(scene.verb), scene.verb)
                tracer.terminate()
        elif scene.who == "command":
            boat.end(boat.begin(scene.verb, (*strace, "--")), scene.verb)
        else:
            process = boat.begin(scene.verb, (*strace, "-f", "-D", "--"))
            with suppress(subprocess.TimeoutExpired):
                process.wait(COMMAND_SECONDS)
            _end_tracer(log)
            boat.end(process, scene.verb)
        return log.read_text()
    finally:
        shutil.rmtree(traces)


def _end_tracer(log: Path) -> None:
    """Ends a tracer that nobody is the parent of; what it has traced goes on without it."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            if words[:1] == [b"strace"] and str(log).encode() in words:
                kill(int(entry.name))


def _bystander(boat: Boat) -> int | None:
    names = {record.spec.id: record.spec.service for record in read_records(boat.place)}
    return next((pid for found, pid in boat.pids().items() if names[found] == "bystander"), None)


def _require_bystander(boat: Boat, pid: int | None) -> None:
    if pid is not None and _bystander(boat) != pid:
        raise Finding(f"the bystander was process {pid} and is {_bystander(boat)}")


def _require_no_traceback(boat: Boat) -> None:
    if boat.place.supervisor_log.exists() and "Traceback" in boat.place.supervisor_log.read_text():
        raise Finding("the supervisor calls it a bug of its own")


def main() -> int:
    """Walks through the scenes, each until its verb ends before it is hit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1, help="only each N-th point")
    parser.add_argument("--first", type=int, default=0, help="how many points to leave out before")
    parser.add_argument("--scene", default="", help="only this one, such as supervisor/restart")
    parser.add_argument("--all-calls", action="store_true")
    options = parser.parse_args()
    findings = 0
    for scene in SCENES:
        if options.scene not in {"", str(scene)}:
            continue
        began = time.monotonic()
        every = points(scene, "all" if options.all_calls else CHANGING)
        chosen = every[options.first :: options.every]
        reached = found_here = 0
        for name, number in chosen:
            struck, found = kill_at(scene, name, number)
            reached += struck
            if found:
                found_here += 1
                print(f"FOUND in {scene} at {name} {number}: {found}", flush=True)
        findings += found_here
        seconds = time.monotonic() - began
        tried = f"{len(chosen)} of {len(every)} points ({reached} reached)"
        print(f"{scene}: {tried}, {found_here} findings, {seconds:.0f} s", flush=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
