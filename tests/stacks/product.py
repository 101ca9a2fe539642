"""The program under test as its user has it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.client import connect
from engine.layout import Layout
from engine.records import read_records

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND_SECONDS = 120


class Windlass:
    """The program as its user has it: a project directory, a terminal's command line, what it prints."""

    def __init__(self, roots: Layout, directory: Path, stack: str, variables: Mapping[str, str]) -> None:
        self.roots = roots
        self.directory = directory
        self.stack = stack
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/root"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(CHECKOUT),
            "WINDLASS_RUN_ROOT": str(roots.run),
            "WINDLASS_DATA_ROOT": str(roots.data),
            **variables,
        }

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "compose.cli", *arguments]

    def __call__(
        self, *arguments: str, status: int | None = 0, text: str = "", seconds: float = COMMAND_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end; fails the test unless it ends with `status` (None: any)."""
        done = subprocess.run(
            self.argv(*arguments),
            cwd=self.directory,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
        if status is not None and done.returncode != status:
            pytest.fail(
                f"windlass {' '.join(arguments)} ended with {done.returncode}, not {status}\n"
                f"--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}\n--- supervisor.log\n{self.supervisor_log()}"
            )
        return done

    @contextmanager
    def start(self, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """Runs a command beside the block; when the block ends and it has not, it is killed."""
        with subprocess.Popen(
            self.argv(*arguments), cwd=self.directory, env=self.environment, text=True, bufsize=1, **options
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def ps(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """What `ps --format json` says, by container name."""
        lines = self("ps", "-a", "--format", "json", *arguments).stdout.splitlines()
        return {container["Name"]: container for container in map(json.loads, lines)}

    def pids(self) -> dict[str, int]:
        """The host's pids of the running containers, by container name."""
        records = read_records(self.roots.stack(self.stack))
        return {record.spec.name: record.state.process.pid for record in records if record.state.process}

    def supervisor_pid(self) -> int:
        """The process that supervises the stack."""
        with connect(self.roots.stack(self.stack), spawn=False) as client:
            return client.greeting.pid

    def supervisor_log(self) -> str:
        path = self.roots.stack(self.stack).supervisor_log
        return path.read_text() if path.exists() else "(none)"
