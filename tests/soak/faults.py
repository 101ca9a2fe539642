"""Lets single system calls fail, or kills at them, in every verb that changes a stack; then looks whether all heals.

    python tests/soak/faults.py [--points N] [--restarts N] [--seed N]

strace(1) hits the N-th call of the supervisor or of the command while it carries out `up`, `restart` or `down`:
with SIGKILL, or an error that a full disk, a lack of memory or of descriptors gives. Afterwards the next commands must
succeed, and after `down -v` nothing may be left. Then one container crashes a thousand times, and the supervisor's
descriptors, its memory and what the kernel holds for it must not grow. Status 1 when something was found.
"""

import argparse
import json
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from tests.leaks import Territory, footprint, leaked_since  # noqa: E402 -- the checkout is on the path only now
from tests.soak.crashes import STACK, Boat, Finding, check_nothing_left, check_up  # noqa: E402 -- likewise

VERBS = (("up", "-d", "--force-recreate", "-t", "1"), ("restart", "-t", "1"), ("down", "-t", "1"))
FAULTS = (
    "all:signal=SIGKILL",
    "all:signal=SIGKILL",
    "write,mkdir,rename,ftruncate:error=ENOSPC",
    "openat,socket,accept4,pidfd_open,fsopen,open_tree,dup:error=EMFILE",
    "clone3,mmap,fsconfig,move_mount,sendto:error=ENOMEM",
    "recvfrom,sendto,connect,epoll_wait,poll:error=EINTR",
    "unlink,rmdir,umount2,unlinkat:error=EBUSY",
)
FURTHEST_CALL = {"supervisor": 900, "command": 1500}
CRASHING = """
services:
  crash:
    image: localhost/bb:1
    command: ["false"]
    deploy: {restart_policy: {condition: any, delay: 0s}}
    ports: ["127.0.0.1::80"]
    healthcheck: {test: [CMD, "true"], interval: 1s}
"""
RISE_KIB = 1500
KINDS = ("mount", "cgroup", "link", "file", "process")
RESTART_SECONDS = 900
TRACER_SECONDS = 30
LOOKS = 20


class Case(NamedTuple):
    """One fault: who is hit while doing what, with what, at which call."""

    who: str
    verb: tuple[str, ...]
    fault: str
    call: int

    def __str__(self) -> str:
        return f"{self.who} in {' '.join(self.verb)}: {self.fault}, call {self.call}"


def strike(boat: Boat, case: Case) -> None:
    """Runs the verb under the fault; how it ends is its own affair, but it must not call it a bug."""
    inject = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={case.fault}:when={case.call}"]
    tracer: subprocess.Popen[str] | None = None
    if case.who == "supervisor":
        (pid,) = boat.supervisors()
        tracer = subprocess.Popen([*inject, "-p", str(pid)], stderr=subprocess.PIPE, text=True)
        wait_for_tracer(pid, tracer)
        process = boat.begin(case.verb)
    else:
        process = boat.begin(case.verb, (*inject, "--"))
    try:
        boat.end(process, case.verb)
    finally:
        if tracer is not None:
            tracer.terminate()
            tracer.communicate()


def wait_for_tracer(pid: int, tracer: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + TRACER_SECONDS
    while Path(f"/proc/{pid}").exists() and "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
        if time.monotonic() > deadline or tracer.poll() is not None:
            tracer.kill()
            raise Finding(f"strace does not come: {tracer.communicate()[1]}")
        select.select([], [], [], 0.02)


def _require_no_bug(boat: Boat) -> None:
    if boat.place.supervisor_log.exists() and "Traceback" in boat.place.supervisor_log.read_text():
        raise Finding("the supervisor calls it a bug of its own")


def one_case(case: Case) -> str:
    """Carries a case out on a fresh installation; gives what was found."""
    base = Path(tempfile.mkdtemp(prefix="wl-"))
    boat = Boat(base)
    territory = Territory(run=boat.layout.run, data=boat.layout.data)
    territory.stacks.add(STACK)
    before = footprint(territory)
    found = ""
    try:
        boat.run("up", "-d")
        strike(boat, case)
        _require_no_bug(boat)
        boat.run("up", "-d")
        check_up(boat)
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
    return found


def crash_often(restarts: int) -> str:
    """One container crashes so often; gives what grew."""
    base = Path(tempfile.mkdtemp(prefix="wl-"))
    boat = Boat(base)
    (boat.directory / "compose.yaml").write_text(CRASHING)
    territory = Territory(run=boat.layout.run, data=boat.layout.data)
    territory.stacks.add(STACK)
    try:
        boat.run("up", "-d")
        _wait_for_restarts(boat, restarts // 10)
        first = _held(boat, territory)
        _wait_for_restarts(boat, restarts)
        last = _held(boat, territory)
        print(f"after {restarts // 10} restarts {first}, after {restarts} {last}", flush=True)
        grown = [
            f"{name}: {first[name]} -> {last[name]}"
            for name in first
            if last[name] > first[name] + (RISE_KIB if name == "KiB" else 8)
        ]
        return "; ".join(grown)
    finally:
        boat.begin(("down", "-v", "-t", "1")).communicate(timeout=90)
        shutil.rmtree(base)


def _wait_for_restarts(boat: Boat, number: int) -> None:
    deadline = time.monotonic() + RESTART_SECONDS
    while True:
        records = [json.loads(path.read_bytes()) for path in boat.place.containers.glob("*/state.json")]
        if records and records[0].get("restarts", 0) >= number:
            return
        if time.monotonic() > deadline:
            raise Finding(f"{number} restarts take longer than {RESTART_SECONDS} s: {records}")
        select.select([], [], [], 0.2)


def _held(boat: Boat, territory: Territory) -> dict[str, int]:
    """What the supervisor and the kernel hold for the stack; the least of several looks, for a start holds more."""
    looks = []
    for _ in range(LOOKS):
        looks.append(_look(boat, territory))
        select.select([], [], [], 0.02)
    return {name: min(look[name] for look in looks) for name in looks[0]}


def _look(boat: Boat, territory: Territory) -> dict[str, int]:
    pid = min(boat.supervisors())  # others are what it is about to make a container of, or a probe
    status = Path(f"/proc/{pid}/status").read_text()
    rss = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    things = footprint(territory)
    return {
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "KiB": int(rss.split()[1]),
        **{kind: sum(thing.startswith(f"{kind} ") for thing in things) for kind in KINDS},
    }


def main() -> int:
    """Runs cases at random points, then the crashes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--restarts", type=int, default=1000)
    options = parser.parse_args()
    choose = random.Random(options.seed)  # noqa: S311 -- no secrets
    findings = 0
    for number in range(options.points):
        who = choose.choice(tuple(FURTHEST_CALL))
        furthest = FURTHEST_CALL[who]
        fault = choose.choice(FAULTS)
        call = choose.randint(1, furthest if fault.startswith("all") else furthest // 8)
        case = Case(who, choose.choice(VERBS), fault, call)
        found = one_case(case)
        if found:
            findings += 1
            print(f"FOUND at point {number} of seed {options.seed}, {case}: {found}", flush=True)
    if options.restarts:
        grown = crash_often(options.restarts)
        if grown:
            findings += 1
            print(f"FOUND: {options.restarts} restarts let grow: {grown}")
    print(f"seed {options.seed}: {options.points} faults, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
