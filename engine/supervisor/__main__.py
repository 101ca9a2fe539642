"""Runs a stack's supervisor: `python -P -m engine.supervisor --run DIR --data DIR [STACK]`.

It is also run by its path, which spares the start the 10 ms of runpy.
"""

import gc
import sys

gc.disable()  # nothing that imports make is garbage

from engine.lean import load_msgspec  # noqa: E402 - after that

load_msgspec()

from engine.supervisor.process import main  # noqa: E402 - it imports msgspec

gc.freeze()
gc.enable()
raise SystemExit(main(sys.argv[1:]))
