"""Pulls and pushes against Docker and Podman: one registry, the same image, taking turns on the same machine.

    python tests/benchmarks/images.py --rounds 5 [--podman] [--only windlass]

The image has 150 MB in 10,000 files and three layers; the registry is Debian's, on loopback. Prints medians of
wall-clock time, a program's start included. The peers are those of `shared/peers/up`, looked for beside the checkout;
without them, windlass is measured alone.
"""

import argparse
import gzip
import io
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from tests.docker_registry import docker_registry, push  # noqa: E402 -- the checkout is on the path only now
from tests.registry import Made, made_image  # noqa: E402 -- likewise

LAYERS = ((5000, 75), (3000, 45), (2000, 30))  # files, megabytes
DEEDS = ("pull", "pull, no change", "push, all new", "push, no change")
FILES_A_DIRECTORY = 50


class Contender(NamedTuple):
    """A program that pulls and pushes; `remove` forgets the image and what belongs to it."""

    name: str
    pull: tuple[str, ...]
    push: tuple[str, ...]
    remove: tuple[str, ...]
    tag: tuple[str, ...]
    environment: dict[str, str]


def layer(files: int, megabytes: int, prefix: str, chance: random.Random) -> bytes:
    """An archive of files of all sizes, half words and half noise, as programs and their data are."""
    words = [bytes(chance.choices(b"abcdefghijklmnop qrstuvwxyz\n", k=40)) for _ in range(500)]
    average = megabytes * 1_000_000 // files
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for number in range(files):
            directory, rest = divmod(number, FILES_A_DIRECTORY)
            if not rest:
                made = tarfile.TarInfo(f"{prefix}/{directory:03}")
                made.type, made.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(made)
            size = int(chance.expovariate(1 / average))
            content = b"".join(chance.choices(words, k=size // 80 + 1)) + chance.randbytes(size // 2)
            made = tarfile.TarInfo(f"{prefix}/{directory:03}/{rest:02}")
            made.size = len(content)
            tar.addfile(made, io.BytesIO(content))
    return written.getvalue()


def image() -> Made:
    """The image that everybody pulls; the same in every run."""
    chance = random.Random(1)  # noqa: S311 -- no secret
    archives = [layer(files, size, f"part{number}", chance) for number, (files, size) in enumerate(LAYERS)]
    return made_image(*archives, pack=lambda content: gzip.compress(content, 6))


def timed(contender: Contender, argv: tuple[str, ...]) -> float:
    """Wall-clock seconds of one command, from before it is started until after it ended."""
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
        raise SystemExit(f"{contender.name}: {' '.join(argv)} failed:\n{done.stderr or done.stdout}")
    return took


@contextmanager
def windlass_contender(name: str, target: str) -> Iterator[Contender]:
    """The checkout's own program over roots of its own."""
    base = Path(tempfile.mkdtemp(prefix="wlbench-"))
    program = Path(sys.executable).with_name("windlass")
    ours = (str(program),) if program.exists() else (sys.executable, "-m", "compose.cli")
    file = base / "compose.yaml"
    file.write_text(f"services:\n  app:\n    image: {name}\n")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(CHECKOUT),
        "HOME": str(base),
        "WINDLASS_RUN_ROOT": str(base / "run"),
        "WINDLASS_DATA_ROOT": str(base / "data"),
    }
    plain = (*ours, "-f", str(file), "-p", "wlbench")
    try:
        yield Contender(
            "windlass",
            (*plain, "pull"),
            (*plain, "push", target),
            ("rm", "-rf", str(base / "data")),
            (*plain, "tag", name, target),
            environment,
        )
    finally:
        shutil.rmtree(base)


def peer_contenders(peers: Path, name: str, target: str, *, podman: bool) -> list[Contender]:
    """Docker, and Podman when asked for, as `shared/peers/up` has started them."""
    inside = str(peers / "in")
    if not Path(inside).exists() or subprocess.run([inside, "true"], capture_output=True, check=False).returncode != 0:
        sys.stderr.write(f"(no peers: {peers}/up has not been run; windlass is measured alone)\n")
        return []
    environment = dict(os.environ)
    docker = (inside, "docker")
    found = [
        Contender(
            "docker",
            (*docker, "pull", "-q", name),
            (*docker, "push", "-q", target),
            (*docker, "rmi", "-f", name, target),
            (*docker, "tag", name, target),
            environment,
        )
    ]
    if podman:
        program = (inside, "podman")
        found.append(
            Contender(
                "podman",
                (*program, "pull", "-q", "--tls-verify=false", name),
                (*program, "push", "-q", "--tls-verify=false", target),
                (*program, "rmi", "-f", name, target),
                (*program, "tag", name, target),
                environment,
            )
        )
    return found


def time_round(contender: Contender) -> dict[str, float]:
    """Pulls, pulls again, pushes to a registry that has nothing of it, pushes again, forgets. Seconds by deed."""
    seconds = {"pull": timed(contender, contender.pull), "pull, no change": timed(contender, contender.pull)}
    timed(contender, contender.tag)
    seconds["push, all new"] = timed(contender, contender.push)
    seconds["push, no change"] = timed(contender, contender.push)
    timed(contender, contender.remove)
    os.sync()  # what one has left to be written must not slow the next one down
    return seconds


def report(seconds: dict[str, list[dict[str, float]]]) -> None:
    """One table of medians; ratios say how many times as long the peer takes."""
    names = list(seconds)
    print(f"\n150 MB, 10,000 files, 3 layers, median of {len(seconds[names[0]])} rounds")
    print(f"{'':20}" + "".join(f"{name:>14}" for name in names) + "".join(f"{'ratio':>9}" for _ in names[1:]))
    for deed in DEEDS:
        medians = [statistics.median(one[deed] for one in seconds[name]) for name in names]
        ratios = "".join(f"{median / medians[0]:>8.1f}x" for median in medians[1:])
        print(f"{deed:20}" + "".join(f"{median:>12.3f} s" for median in medians) + ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description="Pulls and pushes against Docker.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--podman", action="store_true", help="measure Podman, too")
    parser.add_argument("--only", choices=("windlass",), help="leave the peers out")
    parser.add_argument("--peers", type=Path, default=CHECKOUT.parent / "shared" / "peers")
    parser.add_argument("--json", type=Path, help="write every round's figures to this file")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("images need root for now: sudo make bench")
    made = image()
    seconds: dict[str, list[dict[str, float]]] = {}
    with docker_registry() as address:
        name = push(address, "bench/image:1", made)
        for number in range(options.rounds):
            with docker_registry() as other:  # one that has nothing yet
                target = f"{other}/bench/copy:{number}"
                with windlass_contender(name, target) as ours:
                    contenders = [ours]
                    if options.only is None:
                        contenders += peer_contenders(options.peers, name, target, podman=options.podman)
                    for contender in contenders:
                        seconds.setdefault(contender.name, []).append(time_round(contender))
    report(seconds)
    if options.json:
        options.json.write_text(json.dumps(seconds, indent=1))


if __name__ == "__main__":
    main()
