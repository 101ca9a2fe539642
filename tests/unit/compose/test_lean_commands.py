"""Short commands are quick because of what they do not load."""

import subprocess
import sys

import pytest

READING = frozenset(
    ("codes", "decoding", "document", "interpolation", "model", "quantities", "reader", "shapes", "translate", "values")
)
HEAVY = frozenset(("ctypes", "dataclasses", "hashlib", "inspect", "json", "shutil", "subprocess", "typer", "yaml"))


@pytest.mark.parametrize("verb", ["down", "ps"])
def test_a_short_command_loads_nothing_that_reads_files(verb: str) -> None:
    code = (
        "import sys; from engine.lean import load_msgspec; load_msgspec(); "
        f"import compose.cli.verbs, compose.cli.{verb}; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], check=True, capture_output=True, text=True, env=_path())
    loaded = set(done.stdout.split())

    assert not {f"compose.{name}" for name in READING} & loaded
    assert not HEAVY & loaded


def _path() -> dict[str, str]:
    """Without what a virtual environment's own start loads, but with all that it offers."""
    return {"PYTHONPATH": ":".join(filter(None, sys.path))}
