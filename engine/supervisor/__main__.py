"""Runs a stack's supervisor: `python -P -m engine.supervisor --run DIR --data DIR [STACK]`.

It is also run by its path, which spares the start the 10 ms of runpy.
"""

import gc
import sys

gc.disable()  # nothing that imports make is garbage

# msgspec takes the standard library's typing instead; typing_extensions would double the time that its import takes.
sys.modules["typing_extensions"] = None  # type: ignore[assignment]

from engine.supervisor.process import main  # noqa: E402 - it imports msgspec

gc.freeze()
gc.enable()
raise SystemExit(main(sys.argv[1:]))
