"""A supervisor starts fast and stays small because of what it does not load."""

import os
import re
import sys
from pathlib import Path

from engine.lean import PatternsOnDemand

HEAVY = frozenset(
    (
        "asyncio",
        "compose",
        "dataclasses",
        "inspect",
        "jsonschema",
        "logging",
        "networkx",
        "platform",
        "pyroute2",
        "shutil",
        "subprocess",
        "textwrap",
        "threading",
        "typer",
        "typing_extensions",
        "watchdog",
        "yaml",
    )
)
SCRIPT = """
import sys
from engine.lean import load_msgspec
load_msgspec()
import engine.supervisor.process
print(*sys.modules)
"""
STAND_INS = """
import sys
from engine.lean import load_msgspec
load_msgspec()
import msgspec, platform, urllib.parse
print(platform.python_implementation(), "typing_extensions" in sys.modules)
print(urllib.parse.ipaddress.ip_address("10.0.0.1"), urllib.parse.urlsplit("http://[::1]:80/").port)
print(msgspec.json.schema(int))
"""


def test_the_supervisor_loads_nothing_heavy() -> None:
    loaded = _output_of(SCRIPT).split()

    assert HEAVY.isdisjoint(loaded), HEAVY.intersection(loaded)


def test_what_was_kept_from_loading_is_there_when_it_is_asked_for() -> None:
    assert _output_of(STAND_INS) == "CPython False\n10.0.0.1 80\n{'type': 'integer'}\n"


def _output_of(script: str) -> str:
    reading, writing = os.pipe()
    root = str(Path(__file__).parents[3])
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-c", script],
        {**os.environ, "PYTHONPATH": root},
        file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)],
    )
    os.close(writing)
    with os.fdopen(reading) as output:
        printed = output.read()
    assert os.waitpid(pid, 0)[1] == 0
    return printed


def test_expressions_of_modules_that_are_loaded_lazily_are_compiled_at_their_first_use() -> None:
    with PatternsOnDemand():
        found = re.compile("b+", re.IGNORECASE)

    assert not isinstance(found, re.Pattern)
    assert found.sub("-", "aBBc") == "a-c"
    assert [match.group() for match in found.finditer("abbcb")] == ["bb", "b"]
    assert isinstance(re.compile("b"), re.Pattern)
