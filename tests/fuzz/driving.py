"""Drives a fuzzer: by atheris, which follows the code's branches, or without it by chance alone.

SECONDS says how long. What fails is raised with its traceback; atheris leaves the input as crash-* where it runs.
"""

import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None

LONGEST_SECONDS = 1.0
MOST_KIBIBYTES = 500 * 1024


def instrumented(*packages: str) -> AbstractContextManager[None]:
    """Modules of these packages that are imported in the block tell which branches they take."""
    return atheris.instrument_imports(include=list(packages)) if atheris else nullcontext()


def drive(check: Callable[[bytes], None], seeds: Iterable[bytes], *, longest: int) -> None:
    """Gives `check` what grows out of the seeds, and holds it to a time and to a memory."""
    seconds = int(os.environ.get("SECONDS", "60"))
    beginnings = list(seeds)
    for arguments in sys.argv[1:]:
        if Path(arguments).is_file():  # what has crashed, once more
            check(Path(arguments).read_bytes())
            return

    def held(data: bytes) -> None:
        began = time.process_time()
        check(data)
        taken = time.process_time() - began
        assert taken < LONGEST_SECONDS, f"took {taken:.2f} s"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MOST_KIBIBYTES

    if atheris is None:
        _by_chance(held, beginnings, seconds, longest)
        return
    with tempfile.TemporaryDirectory(prefix="windlass-fuzz-") as corpus:
        for number, seed in enumerate(beginnings):
            Path(corpus, str(number)).write_bytes(seed)
        limits = (f"-max_total_time={seconds}", f"-max_len={longest}", "-timeout=20", "-print_final_stats=1")
        atheris.Setup([sys.argv[0], corpus, *limits, *sys.argv[1:]], held)
        atheris.Fuzz()


def _by_chance(check: Callable[[bytes], None], seeds: list[bytes], seconds: int, longest: int) -> None:
    seed = int(os.environ.get("SEED", time.time_ns()))
    dice = random.Random(seed)  # noqa: S311 -- no secrets
    count = 0
    end = time.monotonic() + seconds
    print(f"without atheris; SEED={seed} repeats this run", flush=True)  # noqa: T201 -- a program's output
    while time.monotonic() < end:
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randrange(8)):
            at = dice.randrange(len(data) + 1)
            match dice.randrange(4):
                case 0:
                    data[at : at + 1] = dice.randbytes(1)
                case 1:
                    del data[at : at + dice.randrange(1, 600)]
                case 2:
                    other = dice.choice(seeds)
                    start = dice.randrange(len(other) + 1)
                    data[at:at] = other[start : start + dice.randrange(1, 600)]
                case _:
                    data[at : at + 8] = dice.choice([b"\xff" * 8, b"0" * 8, b"../../..", b"\0" * 8])
        try:
            check(bytes(data[:longest]))
        except BaseException:
            Path("crash-by-chance").write_bytes(data[:longest])
            raise
        count += 1
    print(f"{count} inputs in {seconds} s without a finding")  # noqa: T201 -- likewise
