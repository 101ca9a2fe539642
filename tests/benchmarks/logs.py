"""Logs against Docker Compose: how fast output is taken in, and how fast it is read back, taking turns.

    python tests/benchmarks/logs.py --megabytes 200 --rounds 3 [--only windlass]

A container prints lines of 100 bytes, made before, as fast as they are read, and tells in its last line how long that
took it. Both keep the whole log in one file. The peer is that of `shared/peers/up`, as in `updown.py`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from tests.benchmarks.updown import Contender, peer_contenders, timed, windlass_contender  # noqa: E402
from tests.busybox import REFERENCE  # noqa: E402

LINE = "0123456789 abcdefghijklmnopqrstuvwxyz " * 2 + "0123456789 abcdefghijkl\n"
ROWS = ("taken in", "read back", "read back, -t", "the last 10 lines")


def compose_file(lines: int) -> str:
    """One service that prints lines, then the machine's uptime before and after."""
    script = (
        f"yes '{LINE.strip()}' | head -c {lines * len(LINE)} >/lines; read before x </proc/uptime; cat /lines;"
        " read after x </proc/uptime; echo took $$before $$after"
    )
    return json.dumps(
        {
            "services": {
                "loud": {
                    "image": REFERENCE,
                    "command": ["sh", "-c", script],
                    "logging": {"driver": "json-file", "options": {"max-size": "2g", "max-file": "1"}},
                }
            }
        }
    )


def time_round(contender: Contender, file: str, lines: int) -> dict[str, float]:
    """One round; seconds by row."""
    subprocess.run(contender.keep, input=file, text=True, stdout=subprocess.DEVNULL, check=True)
    timed(contender, "up", "-d")
    try:
        subprocess.run([*contender.argv, "wait", "loud"], env=contender.environment, capture_output=True, check=False)
        began = time.perf_counter()
        last = output(contender, "--tail", "10").splitlines()[-1].split()
        tail = time.perf_counter() - began
        took = float(last[-1]) - float(last[-2])
        return {
            "taken in": took,
            "read back": read_back(contender, lines, (len(LINE) + len("loud-1  | ")) * lines),
            "read back, -t": read_back(contender, lines, (len(LINE) + len("loud-1  | ") + 31) * lines, "-t"),
            "the last 10 lines": tail,
        }
    finally:
        timed(contender, "down")


def output(contender: Contender, *options: str) -> str:
    """What `logs` prints."""
    return subprocess.run(
        [*contender.argv, "logs", "--no-color", *options],
        env=contender.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def read_back(contender: Contender, lines: int, least_bytes: int, *options: str) -> float:
    """Seconds of `logs` into a pipe whose reader counts bytes and lines."""
    began = time.perf_counter()
    count, size = 0, 0
    argv = [*contender.argv, "logs", "--no-color", *options]
    with subprocess.Popen(argv, env=contender.environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while chunk := os.read(process.stdout.fileno(), 1 << 16):
            count += chunk.count(b"\n")
            size += len(chunk)
    took = time.perf_counter() - began
    if process.returncode != 0 or count != lines + 1 or size < least_bytes:
        raise SystemExit(f"{contender.name}: {count} lines, {size} bytes, status {process.returncode}")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description="Logs against Docker Compose.")
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("windlass",), help="leave the peer out")
    parser.add_argument("--peers", type=Path, default=CHECKOUT.parent / "shared" / "peers")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("containers need root for now: sudo make bench")
    lines = options.megabytes * 1_000_000 // len(LINE)
    with windlass_contender() as ours:
        contenders = [ours] if options.only else [ours, *peer_contenders(options.peers, podman=False)]
        rounds: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in contenders}
        for _ in range(options.rounds):
            for contender in contenders:
                rounds[contender.name].append(time_round(contender, compose_file(lines), lines))
    names = list(rounds)
    print(f"\n{options.megabytes} MB in lines of {len(LINE)} bytes, median of {options.rounds} rounds")
    print(f"{'':20}" + "".join(f"{name:>18}" for name in names) + "".join(f"{'ratio':>9}" for _ in names[1:]))
    for row in ROWS:
        medians = [statistics.median(one[row] for one in rounds[name]) for name in names]
        ratios = "".join(f"{median / medians[0]:>8.1f}x" for median in medians[1:])
        print(f"{row:20}" + "".join(f"{median:>14.3f} s  " for median in medians) + ratios)


if __name__ == "__main__":
    main()
