"""What starting containers costs, beside the floor: a bare program that checks, logs and supervises nothing.

    python -m tests.benchmarks.start_cost [--floor shared/floor/floor.py] [--profile] 50 300

Needs root and a quiet machine. Prints milliseconds and MiB a container; both sides start the same busybox. The floor
links its containers to a bridge, which is the network's work here and not counted.
"""

import argparse
import cProfile
import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import cgroups, idranges
from engine.spec import ContainerSpec, Limits, Process
from engine.start import Launched, LaunchOrder, launch, read_outcome
from tests.busybox import plant_busybox


def used_kib() -> int:
    """Memory in use, as free(1) counts it."""
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(fields["MemTotal"].split()[0]) - int(fields["MemAvailable"].split()[0])


def orders(base: Path, group: cgroups.Cgroups, count: int, null: int) -> list[LaunchOrder]:
    """What a supervisor would have prepared at the containers' creation."""
    layer, files = base / "layer", base / "files"
    layer.mkdir(parents=True)
    files.mkdir()
    plant_busybox(layer)
    for name in ("hosts", "hostname", "resolv.conf"):
        (files / name).write_text("")
    made = []
    for number in range(count):
        container_id = os.urandom(32).hex()
        spec = ContainerSpec(
            id=container_id,
            name=f"c{number}",
            stack="bench",
            service="c",
            number=number + 1,
            image_id="",
            image_name="",
            layers=(),
            process=Process(argv=("sleep", "100000")),
            hostname=f"c{number}",
            config_hash="",
        )
        data = base / container_id
        made.append(
            LaunchOrder(
                spec=spec,
                first_id=idranges.lease_range(base / "ids", container_id),
                layer_directories=(layer,),
                upper=data / "upper",
                work=data / "work",
                own_files=files,
                cgroup=group.find(container_id),
                stdout=null,
                stderr=null,
                cache=base / "cache",
            )
        )
    return made


def measure(count: int, *, profile: bool) -> None:
    """Starts so many containers, waits until the last one's program runs, kills them."""
    base = Path(tempfile.mkdtemp(prefix="wl-bench-"))
    group = cgroups.Cgroups(f"bench-{os.getpid()}")
    null = os.open("/dev/null", os.O_RDWR)
    launched: list[Launched] = []
    profiler = cProfile.Profile()
    try:
        waiting = orders(base, group, count, null)
        before, began = used_kib(), time.perf_counter()
        if profile:
            profiler.enable()
        for order in waiting:
            group.make(order.spec.id, Limits())
            launched.append(launch(order, connect=lambda _pid: None))
        profiler.disable()
        ours = time.perf_counter() - began
        failures = [failure for one in launched if (failure := read_outcome(one.outcome_fd))]
        took = time.perf_counter() - began
        mib = (used_kib() - before) / 1024 / count
        print(
            f"{count} containers: {took:.3f} s, {took / count * 1e3:.2f} ms and {mib:.2f} MiB each "
            f"(the starter's share {ours / count * 1e3:.2f} ms)"
        )
        if failures:
            sys.exit(str(failures[0]))
    finally:
        began = time.perf_counter()
        for order in waiting:
            order.cgroup.kill()
        for one in launched:
            os.waitid(os.P_PIDFD, one.pidfd, os.WEXITED)
            os.close(one.pidfd)
        for order in waiting:
            order.cgroup.remove()
        group.remove_all()
        print(f"killed and cleared in {time.perf_counter() - began:.3f} s")
        os.close(null)
        shutil.rmtree(base)
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", type=int, nargs="+")
    parser.add_argument("--floor", type=Path)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    for count in given.counts:
        measure(count, profile=given.profile)
        if given.floor:
            print("the floor:", flush=True)
            subprocess.run([sys.executable, given.floor, str(count)], check=True)


if __name__ == "__main__":
    main()
