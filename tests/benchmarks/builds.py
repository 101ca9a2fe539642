"""Builds with a warm cache against Docker's: the same two-stage Dockerfile and files, taking turns on one machine.

    python tests/benchmarks/builds.py [--rounds 9] [--files 500]

Prints medians of wall-clock time, and of this user's processor time where it can be told. `docker build` is the builder
that the Docker of `shared/peers` has without buildx, `docker compose build` is BuildKit. Without peers, windlass is
measured alone.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from engine.images.store import ImageStore  # noqa: E402 -- the checkout is on the path only now
from tests.busybox import ensure_busybox  # noqa: E402

PEERS = Path(os.environ.get("PEERS", "/tmp/peers"))
INSIDE = "/windlass-bench"
DOCKERFILE = """\
FROM localhost/bb:1 AS made
WORKDIR /work
COPY src src
RUN cat src/*.txt > all.txt
RUN wc -l all.txt > count
FROM localhost/bb:1
ARG VERSION=1
ENV VERSION=$VERSION
WORKDIR /app
COPY --from=made /work/all.txt /work/count ./
RUN echo $VERSION > version
CMD ["cat", "count"]
"""


def fill(directory: Path, files: int) -> None:
    (directory / "src").mkdir(parents=True)
    for number in range(files):
        (directory / "src" / f"{number}.txt").write_text(f"line {number}\n" * 100)
    (directory / "Dockerfile").write_text(DOCKERFILE)
    (directory / "compose.yaml").write_text("name: wlbench\nservices: {web: {build: .}}\n")


def measured(argv: list[str], directory: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of wall-clock and of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(argv, cwd=directory, env=environment, check=True, capture_output=True)
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--files", type=int, default=500)
    options = parser.parse_args()
    peers = Path(os.environ.get("WINDLASS_PEERS", CHECKOUT.parent / "shared" / "peers"))
    with tempfile.TemporaryDirectory(prefix="wl-builds-", dir="/var/tmp") as temporary:
        roots = Path(temporary)
        context = roots / "context"
        fill(context, options.files)
        ensure_busybox(ImageStore(roots / "data" / "images", roots / "data" / "cache"))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/root",
            "PYTHONPATH": str(CHECKOUT),
            "WINDLASS_RUN_ROOT": str(roots / "run"),
            "WINDLASS_DATA_ROOT": str(roots / "data"),
        }
        contenders = {"windlass build": ([sys.executable, "-m", "compose.cli", "build", "-q"], context)}
        inside = PEERS / "trixie" / INSIDE.strip("/")
        if (PEERS / "dockerd.pid").exists():
            shutil.rmtree(inside, ignore_errors=True)
            shutil.copytree(context, inside)
            docker = [str(peers / "in"), "docker"]
            contenders["docker build"] = ([*docker, "build", "-q", INSIDE], context)
            contenders["docker compose build"] = (
                [*docker, "compose", "--project-directory", INSIDE, "build", "-q"],
                context,
            )
        else:
            print("the peers are not there (shared/peers/up): windlass alone")
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        for turn in range(options.rounds + 2):
            for name, (argv, directory) in contenders.items():
                found = measured(argv, directory, environment)
                if turn > 1:  # the first ones fill the cache
                    times[name].append(found)
        for name, found in times.items():
            wall, cpu = (statistics.median(column) for column in zip(*found, strict=True))
            print(f"{name:22} {wall * 1000:7.0f} ms   of which processor {cpu * 1000:5.0f} ms")
        shutil.rmtree(inside, ignore_errors=True)


if __name__ == "__main__":
    main()
