"""A supervisor whose wall clock is wrong: `python skewed.py SECONDS VERSION --run DIR --data DIR STACK`.

VERSION is what it calls itself; an empty one is ours.
"""

import sys
import time

real_ns = time.time_ns
OFFSET_NS = int(sys.argv[1]) * 1_000_000_000
time.time_ns = lambda: real_ns() + OFFSET_NS

from engine.supervisor import process, supervisor  # noqa: E402 -- what they import takes the clock with it

if __name__ == "__main__":
    supervisor.VERSION = sys.argv[2] or supervisor.VERSION  # type: ignore[attr-defined]
    raise SystemExit(process.main(sys.argv[3:]))
