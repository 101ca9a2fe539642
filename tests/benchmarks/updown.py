"""Up and down against Docker Compose: the same image, the same file, taking turns on the same machine.

    python tests/benchmarks/updown.py --services 10,50 --rounds 5 [--podman] [--only windlass]

Prints medians of wall-clock time and the memory of a container, everything counted (`accounts.py` says how). The peers
are those of `shared/peers/up`, looked for beside the checkout; without them, windlass is measured alone.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from engine.images.store import ImageStore  # noqa: E402 -- the checkout is on the path only now
from engine.layout import Layout  # noqa: E402
from tests.benchmarks.accounts import Account, machine_kib  # noqa: E402
from tests.busybox import REFERENCE, ensure_busybox  # noqa: E402

PROJECT = "wlbench"
VERBS = ("up -d", "up -d, no change", "ps", "down")
MEMORY_FILE_SYSTEMS = (Path("/run"), Path("/dev/shm"))


class Contender(NamedTuple):
    """A program that brings stacks up: its command line up to the verb, and its environment.

    `keep` is a command that stores its standard input as the Compose file that `argv` names; `memory_groups` are the
    memory groups of its containers, `daemons` the names of processes that make containers for it.
    """

    name: str
    argv: tuple[str, ...]
    keep: tuple[str, ...]
    environment: dict[str, str]
    memory_groups: str
    daemons: tuple[str, ...] = ()
    ps: tuple[str, ...] = ("ps",)


class Measured(NamedTuple):
    """What a stack takes while it is up: KiB on the contender's account, and KiB that the whole machine uses more."""

    charged_kib: int
    machine_kib: int


def compose_file(services: int, shape: str) -> str:
    """N services that sleep, each depending on an earlier one: the one before (chain) or half as far (tree)."""
    lines = ["services:"]
    for number in range(1, services + 1):
        lines += [f"  s{number}:", f"    image: {REFERENCE}", '    command: ["sleep", "100000"]']
        lines += ["    stop_signal: SIGKILL"]  # a sleeping first process ignores SIGTERM: nobody measures the waiting
        if number > 1:
            lines += [f"    depends_on: [s{number - 1 if shape == 'chain' else number // 2}]"]
    return "\n".join([*lines, ""])


def time_round(contender: Contender, file: str) -> dict[str, float]:
    """One round: up, up again, ps, down. Seconds by verb."""
    subprocess.run(contender.keep, input=file, text=True, stdout=subprocess.DEVNULL, check=True)
    return {
        "up -d": timed(contender, "up", "-d"),
        "up -d, no change": timed(contender, "up", "-d"),
        "ps": timed(contender, *contender.ps),
        "down": timed(contender, "down"),
    }


def weigh(contender: Contender, file: str) -> Measured:
    """Brings the stack up on an account of its own and reads it."""
    subprocess.run(contender.keep, input=file, text=True, stdout=subprocess.DEVNULL, check=True)
    account = Account(contender.memory_groups)
    try:
        account.adopt(pids_of(contender.daemons))
        charged, machine = account.kib(), machine_kib()
        account.run((*contender.argv, "up", "-d"), contender.environment)
        measured = Measured(account.kib() - charged, machine_kib() - machine)
        account.run((*contender.argv, "down"), contender.environment)
    finally:
        account.close()
    return measured


def pids_of(names: tuple[str, ...]) -> list[int]:
    """The processes of these names."""
    found = []
    for process in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            if process.read_text().strip() in names:
                found.append(int(process.parent.name))
    return found


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


@contextmanager
def windlass_contender() -> Iterator[Contender]:
    """The checkout's own program over roots of its own, with the image in its store."""
    base = Path(tempfile.mkdtemp(prefix="wlbench-"))
    run = Path(tempfile.mkdtemp(prefix="wlbench-", dir=memory_file_system()))
    layout = Layout(run=run / "run", data=base / "data")
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
        yield Contender("windlass", argv, ("tee", str(file)), environment, f"windlass/{PROJECT}-*")
    finally:
        argv = [program, "-p", PROJECT, "down", "-v"]
        if subprocess.run(argv, env=environment, cwd="/", check=False, capture_output=True).returncode == 0:
            shutil.rmtree(base)
            shutil.rmtree(run)
        else:  # what is known of the stack must stay for whoever cleans up
            sys.stderr.write(f"(the stack could not be taken down: see {run} and {base})\n")


def memory_file_system() -> Path:
    """Where a run directory lies on any ordinary system: in memory."""
    kinds = {fields[4]: fields for fields in map(str.split, Path("/proc/self/mountinfo").read_text().splitlines())}
    for directory in MEMORY_FILE_SYSTEMS:
        if "tmpfs" in kinds.get(str(directory), ()):
            return directory
    return Path(tempfile.gettempdir())


def peer_contenders(peers: Path, *, podman: bool) -> list[Contender]:
    """Docker Compose, and podman-compose when asked for, as `shared/peers/up` has started them."""
    inside = peers / "in"
    if not inside.exists() or subprocess.run([inside, "true"], capture_output=True, check=False).returncode != 0:
        sys.stderr.write(f"(no peers: {peers}/up has not been run; windlass is measured alone)\n")
        return []
    environment = dict(os.environ)
    file = f"/root/{PROJECT}.yaml"
    keep = (str(inside), "tee", file)
    argv = (str(inside), "docker", "compose", "-f", file, "-p", PROJECT)
    found = [Contender("docker compose", argv, keep, environment, "docker", ("dockerd", "containerd"))]
    if podman:
        argv = (str(inside), "podman-compose", "-f", file, "-p", PROJECT)
        found.append(Contender("podman-compose", argv, keep, environment, "libpod_parent"))
    return found


def report(services: int, seconds: dict[str, list[dict[str, float]]], weights: dict[str, list[Measured]]) -> None:
    """One table of medians; ratios say how many times as much the peer takes."""
    names = list(weights)
    print(f"\n{services} services, median of {len(seconds[names[0]])} rounds")
    print(f"{'':28}" + "".join(f"{name:>18}" for name in names) + "".join(f"{'ratio':>9}" for _ in names[1:]))

    def row(title: str, unit: str, value: Callable[[str], Iterable[float]]) -> None:
        medians = [statistics.median(value(name)) for name in names]
        ratios = "".join(f"{median / medians[0]:>8.1f}x" if medians[0] > 0 else f"{'-':>9}" for median in medians[1:])
        print(f"{title:28}" + "".join(f"{median:>14.3f} {unit:<3}" for median in medians) + ratios)

    for verb in VERBS if seconds[names[0]] else ():
        row(verb, "s", lambda name, verb=verb: [one[verb] for one in seconds[name]])
    row("memory a container", "MiB", lambda name: [one.charged_kib / services / 1024 for one in weights[name]])
    row("  whole machine, roughly", "MiB", lambda name: [one.machine_kib / services / 1024 for one in weights[name]])


def main() -> None:
    parser = argparse.ArgumentParser(description="Up and down against Docker Compose.")
    parser.add_argument("--services", default="10,50", help="how many services, a list")
    parser.add_argument("--rounds", type=int, default=5, help="of the clock")
    parser.add_argument("--weighings", type=int, default=3, help="of memory")
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
            seconds: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in contenders}
            weights: dict[str, list[Measured]] = {contender.name: [] for contender in contenders}
            for _ in range(options.rounds):
                for contender in contenders:
                    seconds[contender.name].append(time_round(contender, file))
            for contender in contenders * options.weighings:
                weights[contender.name].append(weigh(contender, file))
            report(services, seconds, weights)
            everything[services] = {"seconds": seconds, "memory": weights}
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
