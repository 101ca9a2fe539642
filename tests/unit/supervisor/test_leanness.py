"""A supervisor starts fast and stays small because of what it does not load."""

import os
import sys
from pathlib import Path

HEAVY = frozenset(
    (
        "asyncio",
        "compose",
        "dataclasses",
        "inspect",
        "jsonschema",
        "logging",
        "networkx",
        "pyroute2",
        "shutil",
        "subprocess",
        "threading",
        "typer",
        "watchdog",
        "yaml",
    )
)
SCRIPT = """
import sys
sys.modules["typing_extensions"] = None
import engine.supervisor.process
print(*sys.modules)
"""


def test_the_supervisor_loads_nothing_heavy() -> None:
    reading, writing = os.pipe()
    root = str(Path(__file__).parents[3])
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-c", SCRIPT],
        {**os.environ, "PYTHONPATH": root},
        file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)],
    )
    os.close(writing)
    with os.fdopen(reading) as output:
        loaded = output.read().split()
    assert os.waitpid(pid, 0)[1] == 0
    assert HEAVY.isdisjoint(loaded), HEAVY.intersection(loaded)
