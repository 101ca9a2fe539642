"""Up and down against Docker Compose: the same image, the same file, taking turns on the same machine.

    python tests/benchmarks/updown.py --services 10,50 --rounds 5 [--podman] [--only windlass]

Prints medians of wall-clock time and the memory of a container, everything counted. The peers are those of
`shared/peers/up`, looked for beside the checkout; without them, windlass is measured alone.
"""

import argparse
import json
import os
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from engine.images.store import ImageStore  # noqa: E402 -- the checkout is on the path only now
from engine.layout import Layout  # noqa: E402
from tests.busybox import REFERENCE, ensure_busybox  # noqa: E402

PROJECT = "wlbench"
VERBS = ("up -d", "up -d, no change", "ps", "down")
QUIET_SHARE = 0.85
QUIET_PATIENCE_SECONDS = 20.0
STEADY_KIB = 512


class Contender(NamedTuple):
    """A program that brings stacks up: its command line up to the verb, and its environment.

    `keep` is a command that stores its standard input as the Compose file that `argv` names.
    """

    name: str
    argv: tuple[str, ...]
    keep: tuple[str, ...]
    environment: dict[str, str]
    ps: tuple[str, ...] = ("ps",)


class Measured(NamedTuple):
    """One round of one contender: seconds by verb, KiB that the whole machine uses more while the stack is up."""

    seconds: dict[str, float]
    memory_kib: int
    own_processes_kib: int


def compose_file(services: int, shape: str) -> str:
    """N services that sleep, each depending on an earlier one: the one before (chain) or half as far (tree)."""
    lines = ["services:"]
    for number in range(1, services + 1):
        lines += [f"  s{number}:", f"    image: {REFERENCE}", '    command: ["sleep", "100000"]']
        lines += ["    stop_signal: SIGKILL"]  # a sleeping first process ignores SIGTERM: nobody measures the waiting
        if number > 1:
            lines += [f"    depends_on: [s{number - 1 if shape == 'chain' else number // 2}]"]
    return "\n".join([*lines, ""])


def measure(contender: Contender, file: str) -> Measured:
    """One round: up, up again, ps, down; the memory is read while the stack is up."""
    subprocess.run(contender.keep, input=file, text=True, stdout=subprocess.DEVNULL, check=True)
    before = steady_kib()
    seconds = {"up -d": timed(contender, "up", "-d")}
    memory = steady_kib() - before
    own = own_processes_kib(contender)
    seconds["up -d, no change"] = timed(contender, "up", "-d")
    seconds["ps"] = timed(contender, *contender.ps)
    seconds["down"] = timed(contender, "down")
    return Measured(seconds, memory, own)


def timed(contender: Contender, *verb: str) -> float:
    """Wall-clock seconds of one command, from before it is started until after it ended."""
    argv = [*contender.argv, *verb]
    began = time.perf_counter()
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        text=True,
        capture_output=True,
        env=contender.environment,
        check=False,
        cwd="/",
    )
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"{contender.name}: {' '.join(verb)} failed:\n{done.stderr or done.stdout}")
    return took


def used_kib() -> int:
    """What is in use and cannot be given back: as `free` counts it, and what lies in memory file systems."""
    values = {
        name: int(rest.split()[0])
        for name, rest in (line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    }
    given_back = sum(values[name] for name in ("MemFree", "Buffers", "Cached", "SReclaimable"))
    return values["MemTotal"] - given_back + values["Shmem"]


def own_processes_kib(contender: Contender) -> int:
    """The proportional memory of what stays running beside the containers: supervisor, shims, monitors."""
    marks = {
        "windlass": contender.environment.get("WINDLASS_RUN_ROOT", "-"),
        "docker compose": "containerd-shim",
        "podman-compose": "conmon",
    }
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            if marks[contender.name] in command and "updown.py" not in command:
                rollup = (process / "smaps_rollup").read_text()
                total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total


def steady_kib() -> int:
    """`used_kib` once the processors are idle and it stays the same: the kernel frees what has gone at its leisure."""
    deadline = time.monotonic() + QUIET_PATIENCE_SECONDS
    used = used_kib()
    while time.monotonic() < deadline:
        idle, total = processor_ticks()
        select.select([], [], [], 1.0)
        idle_after, total_after = processor_ticks()
        before, used = used, used_kib()
        if idle_after - idle >= QUIET_SHARE * (total_after - total) and abs(used - before) <= STEADY_KIB:
            return used
    sys.stderr.write("(the machine is not quiet: others are at work)\n")
    return used


def processor_ticks() -> tuple[int, int]:
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return ticks[3] + ticks[4], sum(ticks)


@contextmanager
def windlass_contender() -> Iterator[Contender]:
    """The checkout's own program over roots of its own, with the image in its store."""
    base = Path(tempfile.mkdtemp(prefix="wlbench-"))
    layout = Layout(run=base / "run", data=base / "data")
    ensure_busybox(ImageStore(layout.images, layout.cache))
    program = Path(sys.executable).with_name("windlass")
    environment = {
        "PATH": os.environ["PATH"],
        "WINDLASS_RUN_ROOT": str(layout.run),
        "WINDLASS_DATA_ROOT": str(layout.data),
    }
    file = base / "compose.yaml"
    argv = (str(program), "-f", str(file), "-p", PROJECT)
    try:
        yield Contender("windlass", argv, ("tee", str(file)), environment)
    finally:
        subprocess.run(
            [program, "-p", PROJECT, "down", "-v"], env=environment, cwd="/", check=False, capture_output=True
        )
        shutil.rmtree(base)


def peer_contenders(peers: Path, *, podman: bool) -> list[Contender]:
    """Docker Compose, and podman-compose when asked for, as `shared/peers/up` has started them."""
    inside = peers / "in"
    if not inside.exists() or subprocess.run([inside, "true"], capture_output=True, check=False).returncode != 0:
        sys.stderr.write(f"(no peers: {peers}/up has not been run; windlass is measured alone)\n")
        return []
    environment = dict(os.environ)
    file = f"/root/{PROJECT}.yaml"
    keep = (str(inside), "tee", file)
    found = [
        Contender("docker compose", (str(inside), "docker", "compose", "-f", file, "-p", PROJECT), keep, environment),
    ]
    if podman:
        argv = (str(inside), "podman-compose", "-f", file, "-p", PROJECT)
        found.append(Contender("podman-compose", argv, keep, environment))
    return found


def report(services: int, rounds: dict[str, list[Measured]]) -> None:
    """One table of medians; ratios say how many times as long the peer takes."""
    names = list(rounds)
    print(f"\n{services} services, median of {len(rounds[names[0]])} rounds")
    header = f"{'':24}" + "".join(f"{name:>18}" for name in names) + "".join(f"{'ratio':>9}" for _ in names[1:])
    print(header)

    def row(title: str, unit: str, value: Callable[[Measured], float]) -> None:
        medians = [statistics.median(value(measured) for measured in rounds[name]) for name in names]
        ratios = "".join(f"{median / medians[0]:>8.1f}x" if medians[0] > 0 else f"{'-':>9}" for median in medians[1:])
        print(f"{title:24}" + "".join(f"{median:>14.3f} {unit:<3}" for median in medians) + ratios)

    for verb in VERBS:
        row(verb, "s", lambda measured, verb=verb: measured.seconds[verb])
    row("memory a container", "MiB", lambda measured: measured.memory_kib / services / 1024)
    row("  of it our processes", "MiB", lambda measured: measured.own_processes_kib / services / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description="Up and down against Docker Compose.")
    parser.add_argument("--services", default="10,50", help="how many services, a list")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shape", choices=("chain", "tree"), default="chain")
    parser.add_argument("--podman", action="store_true", help="measure podman-compose, too")
    parser.add_argument("--only", choices=("windlass",), help="leave the peers out")
    parser.add_argument("--peers", type=Path, default=CHECKOUT.parent / "shared" / "peers")
    parser.add_argument("--json", type=Path, help="write every round's figures to this file")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("containers need root for now: sudo make bench")
    everything = {}
    with windlass_contender() as ours:
        contenders = [ours]
        if options.only is None:
            contenders += peer_contenders(options.peers, podman=options.podman)
        for services in (int(word) for word in options.services.split(",")):
            file = compose_file(services, options.shape)
            rounds: dict[str, list[Measured]] = {contender.name: [] for contender in contenders}
            for _ in range(options.rounds):
                for contender in contenders:
                    rounds[contender.name].append(measure(contender, file))
            report(services, rounds)
            everything[services] = {name: [one._asdict() for one in measured] for name, measured in rounds.items()}
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
