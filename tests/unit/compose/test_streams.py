"""Standard streams that are full, closed, or read by nobody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text("name: shop\nservices:\n  web:\n    image: bb\n")
    return tmp_path


def windlass(project: Path, *words: str, **streams: int) -> subprocess.CompletedProcess[str]:
    """Runs the program as its user does, with these standard streams; others are pipes."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COMPOSE_", "WINDLASS_"))}
    return subprocess.run(
        [sys.executable, "-m", "compose.cli", *words],
        check=False,
        text=True,
        cwd=project,
        env={
            **environment,
            "PYTHONPATH": str(CHECKOUT),
            "WINDLASS_RUN_ROOT": str(project / "run"),
            "WINDLASS_DATA_ROOT": str(project / "data"),
        },
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
    )


@pytest.mark.parametrize("words", ["config", "config --format json", "--version", "version", "--help", "ps --help"])
def test_output_to_a_full_disk_is_one_message(project: Path, words: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = windlass(project, *words.split(), stdout=full.fileno())

    assert done.stderr.splitlines() == [
        "cannot write the output: No space left on device",
        "  hint: make room on that file system (df shows them), or use another",
    ]
    assert done.returncode == 1


@pytest.mark.parametrize("words", ["config", "--version", "--help"])
def test_output_that_nobody_reads_ends_a_command_quietly_as_sigpipe_would(project: Path, words: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = windlass(project, words, stdout=writing)
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")


def test_messages_that_nobody_can_be_told_do_not_keep_a_command_from_its_work(project: Path) -> None:
    (project / "compose.yaml").write_text("version: '3'\nservices:\n  web:\n    image: bb\n")
    with Path("/dev/full").open("w") as full:
        done = windlass(project, "config", "--services", stderr=full.fileno())

    assert (done.returncode, done.stdout) == (0, "web\n")


def test_a_message_to_a_full_disk_keeps_its_exit_status(project: Path) -> None:
    with Path("/dev/full").open("w") as full:
        assert windlass(project, "confg", stderr=full.fileno()).returncode == 1


def test_output_waits_for_a_slow_reader_whose_pipe_does_not_block(project: Path) -> None:
    services = "".join(f"  service{number}:\n    image: bb\n" for number in range(4000))
    (project / "compose.yaml").write_text(f"services:\n{services}")
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    command = [sys.executable, "-m", "compose.cli", "config", "--services"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(command, cwd=project, env=environment, stdout=writing) as process:
        os.close(writing)
        with os.fdopen(reading) as output:
            assert output.read().count("\n") == 4000
        assert process.wait() == 0


def test_closed_standard_streams_cost_no_traceback() -> None:
    shell = '"$0" -m compose.cli version >&-; out=$?; "$0" -m compose.cli version >/dev/null 2>&- <&-; echo $out $?'
    done = subprocess.run(["sh", "-c", shell, sys.executable], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0 0\n", "")
